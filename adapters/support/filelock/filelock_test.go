package filelock_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/plastinka/predictor/adapters/support/filelock"
)

func TestSharedAndExclusive(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *filelock.Lock {
		l, err := filelock.Open(path)
		require.NoError(t, err)
		return l
	}
	got := func(ok bool, err error) bool {
		require.NoError(t, err)
		return ok
	}
	a, b := open(), open()
	require.True(t, a.Made())
	require.False(t, b.Made())
	require.True(t, got(a.Shared(ctx, 0)))
	require.True(t, got(b.Shared(ctx, 0)), "many share")
	require.False(t, got(b.Exclusive(ctx, 0)), "not while another has it")
	require.True(t, got(a.Exclusive(ctx, 0)), "who did not get it has lost its share")
	require.False(t, got(b.Shared(ctx, 30*time.Millisecond)))
	require.True(t, got(a.Shared(ctx, 0)))
	require.True(t, got(b.Shared(ctx, 0)))
	require.NoError(t, a.Close())
	require.True(t, got(b.Exclusive(ctx, 0)), "closing gives it back")
	require.NoError(t, b.Close())
}

func TestWaitingEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder, err := filelock.Open(path)
	require.NoError(t, err)
	defer holder.Close()
	_, err = holder.Exclusive(t.Context(), 0)
	require.NoError(t, err)
	waiter, err := filelock.Open(path)
	require.NoError(t, err)
	defer waiter.Close()

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = waiter.Shared(ctx, time.Hour)
	require.ErrorIs(t, err, context.Canceled)

	done := make(chan bool)
	go func() {
		ok, err := waiter.Exclusive(t.Context(), time.Hour)
		done <- ok && err == nil
	}()
	require.NoError(t, holder.Close())
	require.True(t, <-done, "it is had as soon as it is free")
}

func TestWhereNoFileCanBe(t *testing.T) {
	_, err := filelock.Open(filepath.Join(t.TempDir(), "none", "lock"))
	require.Error(t, err)
}
