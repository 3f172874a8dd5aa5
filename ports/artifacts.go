package ports

import "time"

// Place is a folder of the data root (§4.1).
type Place string

// The places.
const (
	ModelFiles    Place = "models"
	TaskInputs    Place = "datasphere_input"
	TaskOutputs   Place = "datasphere_output"
	ForecastFiles Place = "predictions"
	ReportFiles   Place = "reports"
	Uploads       Place = "uploads"
	Backups       Place = "backups"
)

// Artifact is a file in a place.
type Artifact struct {
	Name     string
	Size     int64 // bytes
	Modified time.Time
}

// Artifacts keeps files under the data root. A name is one path element
// without separators; anything else is Invalid, whatever it was made from.
type Artifacts interface {
	// Path is where the file is, or will be once complete.
	Path(place Place, name string) (string, error)
	// Adopt gives the complete file at path its final name, replacing what was
	// there: whole or not at all, on the disk when it returns.
	Adopt(path string, place Place, name string) error
	// Remove deletes the file, or the folder with all in it; none is no error.
	Remove(place Place, name string) error
	List(place Place) ([]Artifact, error)
}
