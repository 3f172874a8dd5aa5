package simulation

import (
	"fmt"
	"math/rand/v2"
)

// styleWords is a style as the shop writes it, and the language of its names.
type styleWords struct {
	name    string
	russian bool
	weight  int     // share of the albums
	pull    float64 // added to the log of the rate
}

func styles() []styleWords {
	return []styleWords{
		{"Rock", false, 16, 0.35}, {"Rock/Progressive", false, 8, 0.25}, {"Pop", false, 9, 0.2},
		{"Electronic", false, 8, 0.1}, {"Electronic/Ambient", false, 4, -0.2}, {"Metal", false, 6, 0.15},
		{"Jazz", false, 9, -0.2}, {"Jazz/Fusion", false, 4, -0.3}, {"Soul/Funk", false, 5, 0},
		{"Hip-Hop", false, 4, 0.3}, {"Punk/New Wave", false, 5, 0.1}, {"Folk", false, 4, -0.4},
		{"Blues", false, 3, -0.4}, {"Soundtrack", false, 3, 0.1}, {"Classical", false, 5, -0.8},
		{"Русский рок", true, 9, 0.4}, {"Эстрада", true, 6, -0.3}, {"Авторская песня", true, 3, -0.6},
		{"Классика", true, 3, -0.9}, {"Электроника", true, 3, 0.1},
	}
}

// namer makes names, each once.
type namer struct {
	rng  *rand.Rand
	used map[string]bool
}

func (n *namer) one(words []string) string { return words[n.rng.IntN(len(words))] }

// fresh draws from propose until a name is new; a name that stays taken gets a
// number.
func (n *namer) fresh(scope string, propose func() string) string {
	for tries := 1; ; tries++ {
		name := propose()
		if tries > 8 {
			name = fmt.Sprintf("%s %d", name, tries-6)
		}
		if !n.used[scope+"\x00"+name] {
			n.used[scope+"\x00"+name] = true
			return name
		}
	}
}

func (n *namer) artist(russian bool) string {
	return n.fresh("", func() string {
		if russian {
			return n.russianArtist()
		}
		switch n.rng.IntN(6) {
		case 0:
			return "The " + n.one(adjectives()) + " " + n.one(nouns()) + "s"
		case 1:
			return n.one(adjectives()) + " " + n.one(nouns())
		case 2:
			return n.one(forenames()) + " " + n.one(surnames()) + " " + n.one([]string{"Quartet", "Trio", "Orchestra", "Band", "Ensemble"})
		case 3:
			return n.one(surnames()) + " & " + n.one(surnames())
		default:
			return n.one(forenames()) + " " + n.one(surnames())
		}
	})
}

func (n *namer) russianArtist() string {
	switch n.rng.IntN(4) {
	case 0:
		return n.one(russianAdjectives()) + " " + n.one(russianNouns())
	case 1:
		return "Ансамбль «" + n.one(russianAdjectives()) + " " + n.one(russianNouns()) + "»"
	default:
		return n.one(russianForenames()) + " " + n.one(russianSurnames())
	}
}

func (n *namer) album(artist string, russian bool) string {
	return n.fresh(artist, func() string {
		if russian {
			return n.russianAlbum()
		}
		switch n.rng.IntN(8) {
		case 0:
			return n.one(nouns()) + " of " + n.one(places())
		case 1:
			return "Live in " + n.one(places())
		case 2:
			return n.one(nouns()) + ", " + n.one(nouns())
		case 3:
			return "Songs for the " + n.one(adjectives()) + " " + n.one(nouns())
		case 4:
			return fmt.Sprintf("%s No. %d", n.one(nouns()), 1+n.rng.IntN(9))
		case 5:
			return fmt.Sprintf("\"%s\" and Other Stories", n.one(nouns()))
		default:
			return n.one(adjectives()) + " " + n.one(nouns())
		}
	})
}

func (n *namer) russianAlbum() string {
	switch n.rng.IntN(4) {
	case 0:
		return "Концерт в городе " + n.one([]string{"Северогорск", "Заозёрный", "Луговск", "Ветроград", "Камнеречье"})
	case 1:
		return n.one(russianNouns()) + " и " + n.one(russianNouns())
	default:
		return n.one(russianAdjectives()) + " " + n.one(russianNouns())
	}
}

func adjectives() []string {
	return []string{"Amber", "Brass", "Copper", "Distant", "Electric", "Faded", "Gentle", "Hollow", "Idle", "Jagged",
		"Kindly", "Lunar", "Marble", "Northern", "Opal", "Paper", "Quiet", "Rusty", "Silver", "Tidal", "Umber", "Velvet",
		"Winter", "Yellow", "Zinc", "Broken", "Crooked", "Dusty", "Early", "Foggy", "Golden", "Hidden", "Inland", "Late"}
}

func nouns() []string {
	return []string{"Anchor", "Balcony", "Canal", "Depot", "Engine", "Ferry", "Garden", "Harbour", "Island", "Junction",
		"Kite", "Lantern", "Meadow", "Needle", "Orchard", "Pier", "Quarry", "River", "Signal", "Tram", "Umbrella", "Valley",
		"Window", "Attic", "Bridge", "Comet", "Drummer", "Echo", "Furnace", "Glacier", "Hour", "Kettle", "Ladder", "Mirror",
		"Number", "Postcard", "Radio", "Staircase", "Turntable", "Voyage"}
}

func places() []string {
	return []string{"Aldermoor", "Brackwater", "Coldharbour", "Dunmarsh", "Eastvale", "Fennel Bay", "Grauberg", "Hallstrand",
		"Isola Verde", "Kestrel Hill", "Lindholm", "Monteluce", "Norrvik", "Oakhaven", "Port Serrin", "Ravensund"}
}

func forenames() []string {
	return []string{"Alma", "Bruno", "Clara", "Dario", "Edda", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karin", "Leo",
		"Mira", "Nils", "Olga", "Pablo", "Rosa", "Sven", "Tilda", "Ugo", "Vera", "Walter", "Ada", "Boris", "Cleo", "Elio"}
}

// surnames keep to letters that Windows-1251 has too, in which shops export.
func surnames() []string {
	return []string{"Abelard", "Brandel", "Corvino", "Dahlquist", "Ekerot", "Fontane", "Grimsby", "Halloran", "Ibarra",
		"Jessop", "Kallstrom", "Lindqvist", "Marchetti", "Novak", "Ostrander", "Pellegrin", "Quist", "Rosario", "Solberg",
		"Tavares", "Ullmann", "Vantongeren", "Wexley", "Yardley", "Zimmer", "Ashdown", "Bellweather", "Castellan",
		"Dufresne", "Eriksson", "Fairbairn", "Guntner", "Hartwell", "Ingram"}
}

func russianAdjectives() []string {
	return []string{"Северный", "Тихий", "Медный", "Ночной", "Последний", "Бумажный", "Далёкий", "Синий", "Ржавый",
		"Зимний", "Ясный", "Старый", "Звёздный", "Речной", "Случайный", "Янтарный", "Лунный", "Утренний"}
}

func russianNouns() []string {
	return []string{"Трамвай", "Маяк", "Причал", "Оркестр", "Вокзал", "Фонарь", "Перекрёсток", "Сад", "Полустанок",
		"Дождь", "Мост", "Чердак", "Паром", "Ветер", "Берег", "Компас", "Патефон", "Снегопад", "Двор", "Экспресс"}
}

func russianForenames() []string {
	return []string{"Аркадий", "Борис", "Вера", "Глеб", "Денис", "Евгения", "Зоя", "Илья", "Кира", "Лидия", "Майя",
		"Николай", "Ольга", "Пётр", "Савва", "Тамара", "Фёдор", "Юрий"}
}

// russianSurnames do not change with the gender.
func russianSurnames() []string {
	return []string{"Белых", "Долгих", "Седых", "Черных", "Коваленко", "Марченко", "Левченко", "Ольшанко", "Дубко",
		"Зоренко", "Петренко", "Самойленко", "Тихих", "Гордиенко", "Вербенко", "Лозенко", "Ткач", "Мельник", "Рудник"}
}
