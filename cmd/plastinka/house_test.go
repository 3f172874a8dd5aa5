package main

func rooms() []room {
	return []room{
		{"cmd/plastinka", nil, "the composition root: it alone knows everybody"},
		{"domain/fault", nil, "the one error type"},
	}
}
