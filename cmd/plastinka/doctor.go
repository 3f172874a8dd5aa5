package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/plastinka/predictor/adapters/cli"
	"github.com/plastinka/predictor/adapters/settings"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/domain/fault"
	"github.com/plastinka/predictor/domain/ledger"
)

// enoughSpace is the free disk space below which a person should act, bytes.
const enoughSpace = 2 << 30

// diagnose checks the installation, step by step; a step that needs one that
// failed is left out.
func diagnose(ctx context.Context, load func(map[string]string) (*settings.Settings, error), flags map[string]string) []cli.Check {
	set, err := load(flags)
	if err != nil {
		return []cli.Check{{Name: "settings", Status: "error", Message: err.Error(), Advice: "mend the settings named above; plastinka config shows all with their sources"}}
	}
	checks := []cli.Check{settingsCheck(set), keysCheck(set)}
	root := rootCheck(set.DataRoot)
	checks = append(checks, root)
	if root.Status == "error" {
		return checks
	}
	return append(append(checks, spaceCheck(set.DataRoot), databaseCheck(ctx, set)), computeChecks(ctx, set)...)
}

func ok(name, format string, args ...any) cli.Check {
	return cli.Check{Name: name, Status: "ok", Message: fmt.Sprintf(format, args...)}
}

func settingsCheck(set *settings.Settings) cli.Check {
	if len(set.Warnings) > 0 {
		return cli.Check{Name: "settings", Status: "warning", Message: fmt.Sprintf("%d old names: %s", len(set.Warnings), set.Warnings[0]), Advice: "rename or remove them"}
	}
	if set.Today != nil {
		return cli.Check{Name: "settings", Status: "warning", Message: "today is fixed to " + set.Today.String(), Advice: "unset PLASTINKA_TODAY, unless this is a demonstration"}
	}
	return ok("settings", "all values are usable")
}

func keysCheck(set *settings.Settings) cli.Check {
	switch {
	case set.APIKeyHash != "" && set.AdminKeyHash != "":
		return ok("keys", "an API key and an admin token are configured")
	case set.APIKeyHash == "" && set.AdminKeyHash == "" && set.Loopback():
		return cli.Check{Name: "keys", Status: "warning", Message: "no keys are configured: the service makes one-time keys at each start", Advice: "run plastinka keys and put the hashes into .env"}
	case set.APIKeyHash == "" && set.AdminKeyHash == "":
		return cli.Check{Name: "keys", Status: "error", Message: "no keys are configured and API_HOST is reachable from other machines: the service will not start", Advice: "run plastinka keys and put the hashes into .env"}
	}
	return cli.Check{Name: "keys", Status: "warning", Message: "only one of the two keys is configured", Advice: "run plastinka keys and set both hashes"}
}

func rootCheck(root string) cli.Check {
	bad := func(err error) cli.Check {
		return cli.Check{Name: "data root", Status: "error", Message: fmt.Sprintf("%s cannot be used: %v", root, err), Advice: "make it writable for this user, or set DATA_ROOT_DIR"}
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return bad(err)
	}
	f, err := os.CreateTemp(root, ".doctor-")
	if err != nil {
		return bad(err)
	}
	f.Close()
	os.Remove(f.Name())
	if info, err := os.Stat(root); err == nil && info.Mode().Perm()&0o077 != 0 {
		return cli.Check{Name: "data root", Status: "warning", Message: fmt.Sprintf("%s can be read by other users (mode %o)", root, info.Mode().Perm()), Advice: "chmod 700 " + root}
	}
	return ok("data root", "%s is writable", root)
}

func spaceCheck(root string) cli.Check {
	var s syscall.Statfs_t
	if err := syscall.Statfs(root, &s); err != nil {
		return cli.Check{Name: "disk", Status: "warning", Message: fmt.Sprintf("the free space is not known: %v", err)}
	}
	free := s.Bavail * uint64(s.Bsize)
	if free < enoughSpace {
		return cli.Check{Name: "disk", Status: "error", Message: fmt.Sprintf("%.1f GiB are free", float64(free)/(1<<30)), Advice: "free some space, or move the data root: an upload that runs out of space is undone"}
	}
	return ok("disk", "%.0f GiB are free", float64(free)/(1<<30))
}

func databaseCheck(ctx context.Context, set *settings.Settings) cli.Check {
	path := filepath.Join(set.DataRoot, "database", "plastinka.db")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return cli.Check{Name: "database", Status: "ok", Message: "none yet; the first upload makes it"}
	}
	bad := func(err error) cli.Check {
		return cli.Check{Name: "database", Status: "error", Message: err.Error(), Advice: "restore a backup from " + filepath.Join(set.DataRoot, "backups")}
	}
	db, err := sqlite.Open(ctx, path, sqlite.Options{Backups: filepath.Join(set.DataRoot, "backups")})
	if err != nil {
		c := bad(err)
		if fault.KindOf(err) == fault.Unavailable {
			c.Advice = "stop the other program that uses it, and try again"
		}
		return c
	}
	defer db.Close()
	if err := db.Check(ctx); err != nil {
		return bad(err)
	}
	months, err := db.Facts().Months(ctx)
	if err != nil {
		return bad(err)
	}
	if missing := ledger.Missing(months); len(missing) > 0 {
		return cli.Check{Name: "database", Status: "error", Message: ledger.MissingMessage(missing), Advice: "upload the missing months"}
	}
	return ok("database", "sound; %d months", len(months))
}

func computeChecks(ctx context.Context, set *settings.Settings) []cli.Check {
	if set.ComputeBackend == "datasphere" {
		return dataSphereChecks(ctx, set)
	}
	return []cli.Check{ok("compute", "%s, engine %s", set.ComputeBackend, set.Engine)}
}
