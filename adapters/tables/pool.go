package tables

// maxPool is what a workbook's shared strings may take in memory. A sheet has
// 1,048,576 rows at most; five distinct texts of 80 bytes in each fit.
const maxPool = 512 << 20

// pool keeps the shared strings of a workbook. Texts are cut from blocks, so
// that a million of them are not a million allocations, and a text that outlives
// the workbook keeps one block alive, not all of them.
type pool struct {
	texts []string
	block []byte
	ends  []int // of the texts in block
	cost  int   // bytes
}

const poolBlock = 64 << 10

// add appends the text. It fails when the pool is full.
func (p *pool) add(text []byte) error {
	const header = 16 // bytes of a string besides its text
	p.cost += len(text) + header
	if p.cost > maxPool {
		return unpackedTooLarge("the different texts of the workbook take more than %d bytes", maxPool)
	}
	p.block = append(p.block, text...)
	p.ends = append(p.ends, len(p.block))
	if len(p.block) >= poolBlock || len(p.ends) >= poolBlock {
		p.seal()
	}
	return nil
}

// seal turns the open block into texts; at returns only sealed ones.
func (p *pool) seal() {
	block, start := string(p.block), 0
	for _, end := range p.ends {
		p.texts = append(p.texts, block[start:end])
		start = end
	}
	p.block, p.ends = p.block[:0], p.ends[:0]
}

// at returns the text of the index; ok is false if there is none.
func (p *pool) at(index int) (text string, ok bool) {
	if index < 0 || index >= len(p.texts) {
		return "", false
	}
	return p.texts[index], true
}
