package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/plastinka/predictor/adapters/files"
	"github.com/plastinka/predictor/adapters/sqlite"
	"github.com/plastinka/predictor/adapters/tables"
	"github.com/plastinka/predictor/app"
)

// A shop's files become a panel, the series that models are trained on, in a
// database in memory.
func ExampleUpload() {
	const columns = "Barcode,Artist,Album,Cover,Price,Type,Recording year,Release year,Style,Created,"
	content := func(text string) app.IncomingFile {
		return app.IncomingFile{Name: "shop.csv", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	}
	request := app.UploadRequest{
		Stock: content(columns + "Count\n" +
			"4601,Kino,Night,SS,2990,Reissue,1986,2016,Rock,2024-02-01,3\n"),
		Sales: []app.IncomingFile{content(columns + "Sold\n" +
			"4601,Kino,Night,SS,2990,Reissue,1986,2016,Rock,2024-02-01,2024-03-04\n" +
			"4601,Kino,Night,SS,2990,Reissue,1986,2016,Rock,2024-02-01,2024-04-30\n" +
			"4601,Kino,Night,SS,free,Reissue,1986,2016,Rock,2024-02-01,2024-04-30\n")},
	}

	ctx := context.Background()
	root, err := os.MkdirTemp("", "plastinka")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)
	store, err := files.Open(ctx, root)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	db, err := sqlite.OpenMemory(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()

	clock := &uploadClock{time.Date(2024, time.May, 2, 12, 0, 0, 0, time.UTC)}
	upload := app.Upload{DB: db, Clock: clock, Tables: tables.Reader{}, Artifacts: store, Log: slog.New(slog.DiscardHandler),
		Normalise: norm.NFC.String, Cores: 2}
	result, err := upload.Run(ctx, request, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("stock as of", result.Snapshot, "rejected:", result.Files[1].Examples)

	p, err := app.LoadPanel(ctx, db, nil, nil, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Products[0].Artist, p.Products[0].ReleaseDecade, p.Products[0].PriceCategory)
	for t := range p.T {
		fmt.Println(p.Month(t).Short(), "sold", p.Sales[p.At(0, t)], "left", p.Stock[p.At(0, t)])
	}
	// Output:
	// stock as of 2024-05-01 rejected: [{invalid_price 4 free}]
	// Kino 2010s (2490.0, 3990.0]
	// 2024-03 sold 1 left 4
	// 2024-04 sold 1 left 3
}
