package emulator

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plastinka/predictor/domain/fault"
)

// Rule makes something fail. Written as text, it is
//
//	WHAT[:FIRST[-LAST]]=EFFECT
//
// where WHAT is a call (Create, Clone, Execute, Cancel, ReadLogs,
// DownloadJobFiles, List, Get, Delete, DeleteData, SetDataTtl, Operation,
// Project, Balance, Bindings, Token), a transfer (PUT, GET), Job or Output, and
// FIRST and LAST count its occurrences from 1; without them, it is every one.
//
//	UNAVAILABLE, NOT_FOUND, …  the call is refused with that code
//	lost                       the call has its effect, and no answer
//	hang                       no answer at all
//	slow 200ms                 an answer, but late
//	drop 2                     ReadLogs: the stream breaks after so many messages
//	end 2                      ReadLogs: it ends after so many, as if all was said
//	500, 403, …                a transfer is refused with that status
//	reset                      a transfer's connection breaks in the middle
//	truncated                  GET: half a file, which claims to be whole
//	corrupt                    GET: one bit is another
//	vanish                     Job: it is forgotten as soon as it runs
//	quota                      Job: there is no room for it
//	missing, nohash, wronghash Output: absent, without its hash, with another's
type Rule struct {
	What        string
	First, Last int // 0: from the first, to the last
	Effect      string
	Argument    string
}

// ParseRule reads a rule's text.
func ParseRule(text string) (Rule, error) {
	bad := fault.New(fault.Invalid, "wrong_usage", "%q is not a fault such as Create:1=UNAVAILABLE, PUT:2-3=500 or Execute=lost", text)
	left, effect, ok := strings.Cut(text, "=")
	if !ok {
		return Rule{}, bad
	}
	var r Rule
	var span string
	r.What, span, _ = strings.Cut(left, ":")
	r.Effect, r.Argument, _ = strings.Cut(effect, " ")
	if !slices.Contains(occurrences(), r.What) || r.Effect == "" {
		return Rule{}, bad
	}
	if span != "" {
		first, last, ranged := strings.Cut(span, "-")
		if !ranged {
			last = first
		}
		var errs [2]error
		r.First, errs[0] = strconv.Atoi(first)
		r.Last, errs[1] = strconv.Atoi(last)
		if errs[0] != nil || errs[1] != nil || r.First < 1 || r.Last < r.First {
			return Rule{}, bad
		}
	}
	return r, r.check(bad)
}

func occurrences() []string {
	return []string{"Create", "Clone", "Execute", "Cancel", "ReadLogs", "DownloadJobFiles", "List", "Get", "Delete", "DeleteData",
		"SetDataTtl", "Operation", "Project", "Balance", "Bindings", "Token", "PUT", "GET", "Job", "Output"}
}

func (r Rule) check(bad error) error {
	switch r.Effect {
	case "lost", "hang", "reset", "truncated", "corrupt", "vanish", "quota", "missing", "nohash", "wronghash":
		return nil
	case "slow":
		if _, err := time.ParseDuration(r.Argument); err == nil {
			return nil
		}
	case "drop", "end":
		if n, err := strconv.Atoi(r.Argument); err == nil && n >= 0 {
			return nil
		}
	default:
		if _, ok := code(r.Effect); ok {
			return nil
		}
		if n, err := strconv.Atoi(r.Effect); err == nil && n >= 400 && n < 600 {
			return nil
		}
	}
	return bad
}

// code is a gRPC code by its name.
func code(name string) (codes.Code, bool) {
	var c codes.Code
	err := c.UnmarshalJSON([]byte(strconv.Quote(name)))
	return c, err == nil && c != codes.OK
}

// faults are the rules in force, with how often each was met.
type faults struct {
	mu    sync.Mutex
	rules []*counted
}

type counted struct {
	Rule
	met int
}

func (f *faults) add(r Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &counted{Rule: r})
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

// meet counts an occurrence and returns the rule for it, if there is one.
func (f *faults) meet(what string) (hit Rule, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.What != what {
			continue
		}
		r.met++
		if !ok && (r.First == 0 || r.met >= r.First && r.met <= r.Last) {
			hit, ok = r.Rule, true
		}
	}
	return hit, ok
}

// called is a full method's name in rules.
func called(method string) string {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/"), "/")
	switch {
	case strings.HasSuffix(service, "OperationService"):
		return "Operation"
	case strings.HasSuffix(service, "IamTokenService"):
		return "Token"
	case name == "GetUnitBalance":
		return "Balance"
	case name == "ListAccessBindings":
		return "Bindings"
	case strings.HasSuffix(service, ".ProjectService"):
		return "Project"
	}
	return name
}

func (e *Emulator) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	lost := false
	if r, ok := e.faults.meet(called(info.FullMethod)); ok {
		lost = r.Effect == "lost"
		if err := e.disturb(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := e.authorize(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	answer, err := handle(ctx, req)
	if lost && err == nil {
		return nil, status.Error(codes.Unavailable, "the answer was lost")
	}
	return answer, err
}

func (e *Emulator) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if r, ok := e.faults.meet(called(info.FullMethod)); ok {
		if err := e.disturb(s.Context(), r); err != nil {
			return err
		}
		if n, err := strconv.Atoi(r.Argument); err == nil && (r.Effect == "drop" || r.Effect == "end") {
			s = &cutStream{ServerStream: s, left: n, clean: r.Effect == "end"}
		}
	}
	if err := e.authorize(s.Context(), info.FullMethod); err != nil {
		return err
	}
	err := handle(srv, s)
	if cut, ok := s.(*cutStream); ok && cut.cut && cut.clean {
		return nil
	}
	return err
}

// disturb does what a rule says before a call is handled.
func (e *Emulator) disturb(ctx context.Context, r Rule) error {
	if c, ok := code(r.Effect); ok {
		return status.Error(c, "a fault was asked for")
	}
	var late <-chan time.Time
	switch r.Effect {
	case "slow":
		d, _ := time.ParseDuration(r.Argument) // checked
		late = time.After(d)
	case "hang": // nothing ever comes
	default:
		return nil
	}
	select {
	case <-late:
		return nil
	case <-ctx.Done():
	case <-e.running.Done():
	}
	return status.Error(codes.Unavailable, "the server goes away")
}

// cutStream breaks after so many messages.
type cutStream struct {
	grpc.ServerStream
	left       int
	clean, cut bool
}

func (c *cutStream) SendMsg(m any) error {
	if c.left == 0 {
		c.cut = true
		return status.Error(codes.Unavailable, "the stream was dropped")
	}
	c.left--
	return c.ServerStream.SendMsg(m)
}
