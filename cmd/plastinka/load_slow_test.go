//go:build slow

package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLoad: 500 requests a second on a job while a training runs on all cores
// (its process at lower priority). It reports the latencies; what it requires is
// that every request is answered.
func TestLoad(t *testing.T) {
	const rate, seconds = 500, 30
	c := newClient(t, "ENGINE=tide", "COMPUTE_THREADS=0", "API_LOG_LEVEL=WARNING")
	dir := c.shop("shop", "--products", "3000", "--months", "36", "--format", "csv")
	files := shopFiles(c, dir)
	files[0][1] = filepath.Join(dir, "stock.csv")
	c.completed(c.form("/api/v1/jobs/data-upload", files, map[string]string{"snapshot_date": "2026-01-01"}))
	c.post("/api/v1/models-configs/configs/upload", map[string]any{"is_active": true,
		"json_payload": map[string]any{"nn_model_config": map[string]any{"n_epochs": 400}, "patience": 400}}).json(c, "config_id")
	id := c.post("/api/v1/jobs/training", nil).json(c, "job_id")["job_id"].(string)
	require.Eventually(t, func() bool {
		return strings.Contains(string(c.get("/api/v1/jobs/"+id).body), "epoch")
	}, time.Minute, 100*time.Millisecond, "the training has begun")

	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	took := make([]time.Duration, rate*seconds)
	var failed atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range took {
		due := begin.Add(time.Duration(i) * time.Second / rate)
		time.Sleep(time.Until(due))
		wg.Go(func() {
			req, _ := http.NewRequest("GET", c.url+"/api/v1/jobs/"+id, nil)
			req.Header.Set("X-API-Key", c.key)
			resp, err := transport.RoundTrip(req)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			if err != nil || resp.StatusCode != http.StatusOK {
				failed.Add(1)
			}
			took[i] = time.Since(due) // from when it was due: a late sender counts too
		})
	}
	wg.Wait()
	lasted := time.Since(begin)
	status := c.get("/api/v1/jobs/" + id).json(t)["status"]
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))] }
	t.Logf("%d requests in %s: p50 %s, p90 %s, p99 %s, p99.9 %s, most %s; %d failed; peak memory of the service %s; the training is %s",
		len(took), lasted.Round(time.Millisecond), at(0.5), at(0.9), at(0.99), at(0.999), at(1), failed.Load(), c.peak(), status)
	require.Zero(t, failed.Load())
	require.Equal(t, "running", status, "the training ran all the time")
	c.post("/api/v1/jobs/"+id+"/cancel", nil).json(t)
	require.Equal(t, "cancelled", c.ended(id)["status"])
}

// TestTenUploadsAtOnce: ten uploads of 10 MiB at the same moment: each is
// accounted for, and the memory is reported.
func TestTenUploadsAtOnce(t *testing.T) {
	const uploads, size = 10, 10 << 20
	c := newClient(t, "API_LOG_LEVEL=WARNING")
	const head = "Штрихкод;Исполнитель;Альбом;Конверт;Цена, руб.;Тип;Год записи;Год выпуска;Стиль;Дата создания;"
	record := func(i, n int) string {
		return fmt.Sprintf("46%09d;Artist %d;Album %d;SS;2990;Переиздание;1988;2015;Rock;05.01.2025;", n%5000, i, n%5000)
	}
	ids := make([]string, uploads)
	rows := make([]int, uploads)
	var wg sync.WaitGroup
	for i := range uploads {
		var sales bytes.Buffer
		sales.WriteString(head + "Дата заказа\n")
		for ; sales.Len() < size; rows[i]++ {
			fmt.Fprintf(&sales, "%s%02d.%02d.2025\n", record(i, rows[i]), 6+rows[i]%20, 1+i) // a month of its own each
		}
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name, content := range map[string][]byte{"stock_file": []byte(head + "Экземпляры\n" + record(i, 0) + "3\n"), "sales_files": sales.Bytes()} {
			part, err := w.CreateFormFile(name, name+".csv")
			require.NoError(t, err)
			_, err = part.Write(content)
			require.NoError(t, err)
		}
		require.NoError(t, w.WriteField("snapshot_date", fmt.Sprintf("2025-%02d-01", 2+i)))
		require.NoError(t, w.Close())
		kind := w.FormDataContentType()
		wg.Go(func() {
			ids[i], _ = c.do("POST", "/api/v1/jobs/data-upload", kind, &b, nil).json(t, "job_id")["job_id"].(string)
		})
	}
	began := time.Now()
	wg.Wait()
	received := time.Since(began)
	for i, id := range ids {
		j := c.ended(id)
		require.Equal(t, "completed", j["status"], "%v", j["error"])
		files := j["result"].(map[string]any)["files"].([]any)
		for _, f := range files {
			if f := f.(map[string]any); f["role"] == "sales" {
				require.Equal(t, float64(rows[i]), f["rows_accepted"])
			}
		}
	}
	require.Eventually(t, func() bool { // the files go after the job's end
		left, err := os.ReadDir(filepath.Join(c.root, "uploads"))
		return err == nil && len(left) == 0
	}, 10*time.Second, 10*time.Millisecond)
	t.Logf("%d uploads of %d MiB: received in %s, stored in %s, peak memory of the service %s", uploads, size>>20,
		received.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), c.peak())
}

// peak is the most memory that the service has had, as the kernel counts it.
func (c *client) peak() string {
	c.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.service.cmd.Process.Pid), "status"))
	if err != nil {
		return "unknown"
	}
	return regexp.MustCompile(`VmHWM:\s*(\d+ kB)`).FindStringSubmatch(string(status))[1]
}
