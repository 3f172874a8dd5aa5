package emulator

import (
	"context"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// longOperation is an operation as it is stored.
type longOperation struct {
	*operation.Operation
	doneAt time.Time // before, it is not shown as done
	job    *job      // of an execution
}

func (e *Emulator) newOperation(what string, meta proto.Message) (*longOperation, error) {
	packed, err := anypb.New(meta)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	now := timestamppb.New(e.options.Now())
	return &longOperation{Operation: &operation.Operation{Id: random("bt1op"), Description: what, CreatedAt: now, ModifiedAt: now, Metadata: packed}}, nil
}

func (o *longOperation) respond(m proto.Message) error {
	packed, err := anypb.New(m)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	o.Done, o.Result = true, &operation.Operation_Response{Response: packed}
	return nil
}

func (o *longOperation) fail(c codes.Code, message string) {
	o.Done, o.Result = true, &operation.Operation_Error{Error: status.New(c, message).Proto()}
}

// shown is the operation as it may be seen now; mu is held.
func (e *Emulator) shown(op *longOperation) *operation.Operation {
	shown := proto.Clone(op.Operation).(*operation.Operation)
	if op.Done && e.options.Now().Before(op.doneAt) {
		shown.Done, shown.Result = false, nil
	}
	return shown
}

// operationService is OperationService.
type operationService struct {
	operation.UnimplementedOperationServiceServer
	e *Emulator
}

func (s *operationService) Get(_ context.Context, req *operation.GetOperationRequest) (*operation.Operation, error) {
	s.e.mu.Lock()
	defer s.e.mu.Unlock()
	op, ok := s.e.operations[req.OperationId]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Operation %s not found", req.OperationId)
	}
	if op.job != nil && !op.Done {
		s.e.noteMetadata(op.job, op)
	}
	return s.e.shown(op), nil
}
