package files

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"github.com/plastinka/predictor/domain/fault"
)

// patience is how long to wait for another process's start.
const patience = 10 * time.Second

// translate says in our words what the file system said about path.
func translate(op, path string, err error) error {
	if err == nil {
		return nil
	}
	e := fault.New(fault.Internal, "internal_error", "%s cannot be used: %v", path, err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e = fault.New(fault.NotFound, "not_found", "%s does not exist", path)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		e = fault.New(fault.Invalid, "not_writable", "%s cannot be used: no permission; check its owner and mode, or set DATA_ROOT_DIR to another folder", path)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		e = fault.New(fault.Invalid, "not_writable", "%s cannot be used: there is a file where a folder should be; move it away, or set DATA_ROOT_DIR to another folder", path)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e = fault.New(fault.Unavailable, "disk_full", "%s cannot be written: the disk is full; free some space and try again", path)
	}
	return fault.Wrap("files."+op, e.With("path", path).Because(err))
}

// unmade is err about a folder of the data root that could not be made. Where
// the system says that it does not exist, nothing can be made there at all.
func unmade(root string, err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	return fault.New(fault.Invalid, "not_writable", "the data root %s cannot be made: no folder can be made there; set DATA_ROOT_DIR to another one", root).
		With("path", root).Because(err)
}
