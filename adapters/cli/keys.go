package cli

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"

	"github.com/plastinka/predictor/domain/fault"
)

// Keys are a fresh API key and admin token with the hashes that the settings
// want. The keys themselves are kept nowhere.
type Keys struct {
	APIKey     string `json:"api_key"`
	AdminToken string `json:"admin_token"`
	APIHash    string `json:"API_X_API_KEY_HASH"`
	AdminHash  string `json:"API_ADMIN_API_KEY_HASH"`
}

// NewKeys makes keys of 256 random bits each, hashed at bcrypt's cost. Such a
// key cannot be guessed at any cost; the default one is what people expect.
func NewKeys(cost int) (Keys, error) {
	var k Keys
	for _, pair := range []struct {
		prefix    string
		key, hash *string
	}{{"pk_", &k.APIKey, &k.APIHash}, {"pa_", &k.AdminToken, &k.AdminHash}} {
		var b [32]byte
		rand.Read(b[:]) // never fails
		*pair.key = pair.prefix + base64.RawURLEncoding.EncodeToString(b[:])
		hash, err := bcrypt.GenerateFromPassword([]byte(*pair.key), cost)
		if err != nil {
			return Keys{}, fault.Wrap("cli.NewKeys", err)
		}
		*pair.hash = string(hash)
	}
	return k, nil
}

func keysCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "keys", Short: "Make an API key and an admin token", Args: noArgs,
		Long: `Makes an API key and an admin token and prints them once, with the hashes that
go into .env. The keys themselves are stored nowhere: keep them safe.`,
		Example: "  plastinka keys\n  plastinka keys --json",
		RunE: func(*cobra.Command, []string) error {
			k, err := NewKeys(bcrypt.DefaultCost)
			if err != nil {
				return err
			}
			return s.print(k, func() {
				fmt.Fprintf(s.Out, "API key:      %s\nadmin token:  %s\n\nPut these lines into .env (the single quotes matter):\n\nAPI_X_API_KEY_HASH='%s'\nAPI_ADMIN_API_KEY_HASH='%s'\n",
					k.APIKey, k.AdminToken, k.APIHash, k.AdminHash)
			})
		},
	}
}

func versionCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "The program's version", Args: noArgs,
		Example: "  plastinka version --json",
		RunE: func(*cobra.Command, []string) error {
			return s.print(map[string]string{"version": s.house.Version}, func() { fmt.Fprintln(s.Out, "plastinka", s.house.Version) })
		},
	}
}

func configCommand(s *session) *cobra.Command {
	show := &cobra.Command{
		Use: "show", Short: "The effective settings with their sources, secrets masked", Args: noArgs,
		Example: "  plastinka config show --json",
		RunE:    func(c *cobra.Command, _ []string) error { return s.showSettings() },
	}
	config := group("config", "The settings", show, importTerraformCommand(s))
	config.RunE = func(c *cobra.Command, _ []string) error { return s.showSettings() }
	config.Example = "  plastinka config\n  API_PORT=9000 plastinka config show --json"
	return config
}

// Setting is an effective setting as it may be shown.
type Setting struct {
	Name   string `json:"name"`
	Group  string `json:"group"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Doc    string `json:"doc"`
}

func (s *session) showSettings() error {
	values, warnings, err := s.house.Settings(s.settings)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		s.term.Say("%s %s", s.term.Yellow("Note:"), w)
	}
	return s.print(values, func() {
		rows := make([][]string, len(values))
		for i, v := range values {
			rows[i] = []string{v.Name, v.Value, v.Source, v.Doc}
		}
		s.term.Table([]string{"setting", "value", "from", "what it is"}, rows)
	})
}

func backupCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "backup", Short: "Write a consistent copy of the database into the data root", Args: noArgs,
		Example: "  plastinka backup",
		RunE: s.installed(func(c *cobra.Command, _ []string, in *Installation) error {
			p := s.term.Start("copying the database")
			path, err := in.Backup(c.Context())
			p.Finish()
			if err != nil {
				return err
			}
			return s.print(map[string]string{"path": path}, func() { fmt.Fprintln(s.Out, path) })
		}),
	}
}

func doctorCommand(s *session) *cobra.Command {
	var cloud bool
	c := &cobra.Command{
		Use: "doctor", Short: "Check this installation and say what to do", Args: noArgs,
		Long:    "Checks settings, keys, data root, database, disk space and compute, and says what\nto do about each problem. Exit code 1 if anything is wrong.",
		Example: "  plastinka doctor",
		RunE: func(c *cobra.Command, _ []string) error {
			if cloud {
				s.settings["COMPUTE_BACKEND"] = "datasphere"
			}
			checks := s.house.Doctor(c.Context(), s.settings)
			for _, check := range checks {
				if check.Status == "error" {
					s.code = exitFailed
				}
			}
			return s.print(checks, func() {
				for _, check := range checks {
					sign := s.term.Green("ok    ")
					switch check.Status {
					case "warning":
						sign = s.term.Yellow("warn  ")
					case "error":
						sign = s.term.Red("error ")
					}
					fmt.Fprintf(s.Out, "%s %-10s %s\n", sign, check.Name, check.Message)
					if check.Advice != "" {
						fmt.Fprintf(s.Out, "                  → %s\n", check.Advice)
					}
				}
			})
		},
	}
	c.Flags().BoolVar(&cloud, "datasphere", false, "check DataSphere too, by calls that cost nothing, even where trainings run elsewhere")
	return c
}
