package datasphere

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plastinka/predictor/domain/fault"
)

// codeOf is the gRPC code of a call's error; an error of ours that came up
// before the call, such as one about credentials, counts as the code it is like.
func codeOf(err error) codes.Code {
	if e, ours := errors.AsType[*fault.Error](err); ours {
		switch e.Kind {
		case fault.Unauthenticated:
			return codes.Unauthenticated
		case fault.Unavailable:
			return codes.Unavailable
		case fault.Cancelled:
			return codes.Canceled
		}
		return codes.Internal
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return codes.DeadlineExceeded
	}
	return status.Code(err)
}

// passing reports whether the same call may be answered better later, without
// anybody changing the request. A missing permission is like a missing token:
// somebody can give it.
func passing(err error) bool {
	switch codeOf(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.ResourceExhausted, codes.Internal, codes.Unknown,
		codes.Canceled, codes.Unauthenticated, codes.DataLoss:
		return true
	}
	return false
}

// translate says a call's error in our words; doing is what was attempted.
func translate(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		return fault.Wrap("datasphere", cause)
	}
	if e, ours := errors.AsType[*fault.Error](err); ours && e.Kind != fault.Cancelled {
		return fault.Wrap("datasphere", e)
	}
	said := status.Convert(err).Message()
	switch codeOf(err) {
	case codes.Unauthenticated:
		return fault.New(fault.Unauthenticated, "yc_unauthenticated",
			"%s: Yandex Cloud refuses the credentials (%s); give new ones: a service account's key file, or a token by POST /auth/yc-token", doing, said).Because(err)
	case codes.PermissionDenied:
		return fault.New(fault.Unauthenticated, "yc_permission_denied",
			"%s: no permission (%s); the service account needs the role datasphere.community-projects.developer on the project", doing, said).Because(err)
	case codes.NotFound:
		return fault.New(fault.NotFound, "yc_not_found", "%s: %s", doing, said).Because(err)
	case codes.InvalidArgument, codes.FailedPrecondition, codes.OutOfRange, codes.AlreadyExists, codes.Unimplemented:
		return fault.New(fault.Invalid, "yc_refused", "%s: DataSphere refuses (%s)", doing, said).Because(err)
	case codes.DeadlineExceeded, codes.Canceled: // the call's own deadline, or that of the exchange before it
		said = "no answer in time"
	}
	return fault.New(fault.Unavailable, "yc_unavailable", "%s: DataSphere cannot be reached now (%s); it will be tried again", doing, said).Because(err)
}
