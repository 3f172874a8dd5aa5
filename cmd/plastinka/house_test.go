package main

func house() []room {
	return []room{
		{"cmd/plastinka", nil, "the composition root: it alone knows everybody"},
		{"domain/fault", nil, "the one error type"},
	}
}
