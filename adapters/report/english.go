package report

func english() *words {
	long := [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	return &words{
		Lang: "en", thousands: ",", point: ".", percentSign: "%", million: "M", thousand: "k", rubFirst: true,
		months: long, monthsOf: long, monthsIn: long,
		monthsShort: [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"},

		ID: "Product id", Barcode: "Barcode", Artist: "Artist", Album: "Album", Cover: "Cover", PriceCategory: "Price category",
		ReleaseType: "Release type", RecordingDecade: "Recording decade", ReleaseDecade: "Release decade", Style: "Style", Year: "Recording year",
		ResultID: "Result id", ModelID: "Model", Month: "Forecast month", Availability: "Availability", Confidence: "Depth of stock",
		MeanItems: "Mean sales (copies)", MeanRub: "Mean sales (RUB)", LostRub: "Lost sales (RUB)",
		SalesLast: "Sales last month (copies)", SalesYear: "Sales a year ago (copies)", Mean: "Mean forecast (copies)", Price: "Price (RUB)",
		Stock: "Stock (copies)", Restock: "Restock (copies)", RestockRub: "Restock value (RUB)", FromStock: "Expected sales from stock (copies)",
		Method: "Method", Quantile: "Forecast %d%% (copies)", SheetForecast: "Forecast", SheetTotals: "Totals",

		Title:       "Order for %s",
		Lead:        "Order %s: %s. In %s that should bring about %s beyond what the stock will sell.",
		LeadNothing: "Nothing needs to be ordered: the stock covers the expected demand.",
		LeadUnknown: "The stock is not known, so no order could be worked out. Upload a stock file.",
		Made:        "made on %s, %s", StockOn: "stock on the morning of %s", Model: "model %s", Filtered: "Only",
		ToOrder: "To order", ToOrderNote: "%s, %s at shelf prices",
		Brings: "It brings", BringsNote: "≈\u00a0%s in the month that would not happen without it",
		Demand: "Expected demand", DemandNote: "%s to %s with 90%% probability; ≈\u00a0%s",
		Past: "Past forecasts", PastNote: "of cases within the 90%% interval: %s over %s", PastNone: "nothing to compare with yet", OnHistory: "of cases within the 90%% interval, checked on a history of %s",

		First: "Order these first", FirstNote: "By expected revenue. The whole list, %s, is in the table below: tick “Only to order”.",
		NothingToOrder: "No product needs to be ordered.", Why: "Why", OnHand: "In stock", BringsRub: "Brings", Forecast: "Demand", Record: "Record",
		SoldOut: "sold out", SoldOutMonth: "%[2]s sold in %[1]s", LostThen: "missing for %s of the month, ≈\u00a0%s lost",
		ShortOf: "%s left, %s expected", BufferOf: "%s left; a strong month needs %s",

		SalesTitle: "Sales and forecast", SalesUnit: "copies a month", MedianName: "forecast %s", TopName: "up to %s", LowName: "from %s",
		SalesNote:  "The dark band holds half of the outcomes, the light one 90%.",
		SalesDesc:  "Sales by month from %s to %s. Forecast for %s: median %s, 90%% interval from %s to %s.",
		Incomplete: "incomplete month",

		TrustTitle: "How far to trust it", TrustLead: "Over %s the forecasts were off by %s in total: %s expected, %s sold. %s of product-months fell within the 90%% interval and %s within the 50%% interval.",
		TrustMonths: "Forecast and sales by month", TrustMonthsNote: "Box: half of the outcomes; line: 90%; dot: what was sold (orange where outside).",
		Calibration: "Calibration", CalibrationNote: "Where probabilities can be believed, the points lie on the diagonal.",
		CalObserved: "what happened", CalNominal: "promised probability", CalIdeal: "ideal",
		TrustNone:     "There are no forecasts for completed months yet. The comparison appears with the next upload of sales; until then see the check on history.",
		Unavailable:   "Left out: %s in which the record was off the shelf for more than 10%% of the month.",
		BacktestTitle: "Checked on history: %s", BacktestNote: "Each method saw only what was known before the month it forecast. Loss is the mean quantile (pinball) loss in copies, lower is better; the difference is to the best simple method, ± its standard error.",
		Pinball: "Loss", Difference: "Difference", Same: "within the noise", Coverage50: "In 50%", Coverage90: "In 90%", WAPE: "WAPE", Bias: "Bias", Chosen: "in use", BestBaseline: "best simple", More: "%s more lose more.",

		WhatSells: "What will be bought", TopTitle: "Highest demand", TopNote: "Bar: mean; line: 90% of the outcomes; orange mark: sales a year ago.",
		StylesTitle: "By style", DecadesTitle: "By decade of recording", GroupNote: "Bar: forecast with its 90% interval; orange mark: sales last month.", Others: "Others (%s)",
		ShelfTitle: "The shelf: what was missing", AvailabilityTitle: "On the shelf", LostTitle: "Lost sales", ShelfNote: "Availability is the share of days on which a record could be bought, averaged over the products that were in stock or sold in the month.", LostUnit: "₽ a month", ShareUnit: "share of days",

		TableTitle: "All records", TableNote: "Press a heading to sort.", Search: "Search artist, album, barcode…",
		AllStyles: "All styles", AllDecades: "All decades", OnlyOrder: "Only to order", PerPage: "%s a page", Prev: "Previous", Next: "Next",
		Of: "%s–%s of %s", NoneFound: "Nothing found.", NoScript: "The table needs JavaScript. The same rows are in the CSV and XLSX reports.",
		PrintNote: "Printed are the first %s rows of %s; narrow the list by searching.",
		Trend:     "24 months", Last: "Last month", YearAgo: "Year ago", Sum: "Value, ₽", Interval: "90%",
		HowTitle: "How this is worked out",
		How: []string{
			"Demand is what would be bought if the record were on the shelf all month. The forecast is a probability distribution; 5, 25, 50, 75 and 95% are its quantiles.",
			"To order = the %s quantile of demand, rounded up, minus the stock. Such a stock meets demand in about %s cases out of 100.",
			"“Brings” is the month's expected sales with the order minus those from the stock alone, at the last known price. Purchase prices are not known here; what is not sold stays for the next month.",
			"The interval of a sum adds the products as independent (%s). What all of them share, a season or a fashion, is not in it, so the true spread is wider; the chart of past months shows by how much.",
			"Lost sales are the days without the record × its mean sales on a day with it.",
		},
		copies: [3]string{"copy", "", "copies"}, titles: [3]string{"title", "", "titles"}, sales: [3]string{"sale", "", "sales"},
		methods: [3]string{"method", "", "methods"}, cells: [3]string{"product-month", "", "product-months"},
		Sealed: "sealed", Opened: "opened", NoStyle: "no style", Before1950: "up to 1950", After2020: "after 2020", Decade: "%ss",
		Product: "Plastinka",
	}
}
