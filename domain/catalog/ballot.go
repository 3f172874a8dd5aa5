package catalog

// ballot holds the votes of steps 6 and 7. Empty cells never vote; ties go to
// the smallest by byte order, so that the order of the votes does not matter.
type ballot struct {
	albumCovers election // within artist, album, release decade
	priceCovers election // within price category, release decade
	styles      election // within artist, album
}

// group is what an election is held within; unused members are empty.
type group struct{ a, b, c string }

// election counts the values given within groups.
type election struct {
	counts map[candidate]int
	best   map[group]string
}

type candidate struct {
	group group
	value string
}

func newBallot(size int) *ballot {
	e := func() election {
		return election{counts: make(map[candidate]int, size), best: map[group]string{}}
	}
	return &ballot{albumCovers: e(), priceCovers: e(), styles: e()}
}

// add counts a record's votes. Call it for all before asking for a winner.
func (b *ballot) add(r Raw, releaseDecade string, rows int) {
	b.albumCovers.add(group{r.Artist, r.Album, releaseDecade}, r.Cover, rows)
	b.priceCovers.add(group{r.PriceCategory, releaseDecade, ""}, r.Cover, rows)
	b.styles.add(group{r.Artist, r.Album, ""}, r.Style, rows)
}

// add counts votes; counts only grow, so that the leader can be kept as we go.
func (e *election) add(g group, value string, votes int) {
	if value == "" {
		return
	}
	c := candidate{g, value}
	e.counts[c] += votes
	leader, ok := e.best[g]
	if mine, theirs := e.counts[c], e.counts[candidate{g, leader}]; !ok || mine > theirs || mine == theirs && value < leader {
		e.best[g] = value
	}
}

// cover is step 6.
func (b *ballot) cover(r Raw, releaseDecade string) string {
	given := r.Cover
	if given == "" {
		given = b.albumCovers.best[group{r.Artist, r.Album, releaseDecade}]
	}
	if given == "" {
		given = b.priceCovers.best[group{r.PriceCategory, releaseDecade, ""}]
	}
	if given == "SS" {
		return "Sealed"
	}
	return "Opened"
}

// style is step 7.
func (b *ballot) style(r Raw) string {
	if winner := b.styles.best[group{r.Artist, r.Album, ""}]; winner != "" {
		return winner
	}
	return None
}
