package emulator

import (
	"path/filepath"
	"strings"

	jobs "github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2/jobs"
)

// collect keeps the job's outputs, logs and diagnostics.
func (e *Emulator) collect(j *job, result *jobs.JobResult, outputs bool) *jobs.ExecuteProjectJobResponse {
	response := &jobs.ExecuteProjectJobResponse{Result: result}
	rule, disturbed := e.faults.meet("Output")
	missing := func(d *jobs.FileDesc) *jobs.FileUploadError {
		return &jobs.FileUploadError{FileType: &jobs.FileUploadError_OutputFileDesc{OutputFileDesc: d}, Type: jobs.FileUploadError_NOT_FOUND, Description: "file not found"}
	}
	var files []*jobs.File
	for _, d := range j.JobParameters.OutputFiles {
		if !outputs {
			break
		}
		hash, size, packed, err := e.keepFile(filepath.Join(j.folder, "work", j.place(d)))
		if err != nil || disturbed && rule.Effect == "missing" {
			response.OutputFilesErrors = append(response.OutputFilesErrors, missing(d))
			continue
		}
		file := &jobs.File{Desc: d, Sha256: hash, SizeBytes: size, CompressionType: packed}
		if disturbed && rule.Effect == "nohash" {
			file.Sha256 = ""
		}
		if disturbed && rule.Effect == "wronghash" {
			file.Sha256 = strings.Repeat("0", 64)
		}
		j.keepName(e, d.Path, hash)
		files = append(files, file)
		response.OutputFiles = append(response.OutputFiles, &jobs.StorageFile{File: file, Url: e.link(hash, false)})
	}
	logs := e.keepLogs(j)
	e.mu.Lock()
	defer e.mu.Unlock()
	j.OutputFiles, j.LogFiles, j.FileErrors = files, logs, response.OutputFilesErrors
	return response
}

func (j *job) keepName(e *Emulator, path, hash string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j.blobs[path] = hash
}
