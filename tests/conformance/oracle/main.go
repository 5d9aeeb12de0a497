// Checks with golang.org/x/mod (sumdb/note, sumdb/tlog) what usher computes of trees: roots, checkpoints, inclusion
// and consistency. Reads lines of JSON that audit_fill prints from standard input; one JSON line for each check.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type line struct {
	What, Tree, Vkey, Bytes, Root, Note string
	N, Size                             int64
	Hashes                              []string
}

// One tree: its leaves, stored as Go stores them, the heads that were signed, and the proofs.
type tree struct {
	leaves                           [][]byte
	stored                           []tlog.Hash
	heads, inclusions, consistencies []line
}

var (
	vkey  string
	trees = map[string]*tree{"changes": {}, "requests": {}}
)

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, 0, len(indexes))
	for _, i := range indexes {
		out = append(out, t.stored[i])
	}
	return out, nil
}

func (t *tree) add(leaf []byte) error {
	hashes, err := tlog.StoredHashes(int64(len(t.leaves)), leaf, t)
	t.leaves, t.stored = append(t.leaves, leaf), append(t.stored, hashes...)
	return err
}

func hashOf(text string) (h tlog.Hash) {
	if raw, err := hex.DecodeString(text); err == nil {
		copy(h[:], raw)
	}
	return h
}

func hashesOf(texts []string) (out []tlog.Hash) {
	for _, text := range texts {
		out = append(out, hashOf(text))
	}
	return out
}

func check(name string, body func() error) {
	said := map[string]any{"check": name, "ok": true}
	if err := body(); err != nil {
		said["ok"], said["detail"] = false, err.Error()
	}
	text, _ := json.Marshal(said)
	fmt.Println(string(text))
}

func read() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<22)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return err
		}
		t := trees[l.Tree]
		switch l.What {
		case "key":
			vkey = l.Vkey
		case "leaf":
			if err := t.add([]byte(l.Bytes)); err != nil {
				return err
			}
		case "checkpoint":
			t.heads = append(t.heads, l)
		case "inclusion":
			t.inclusions = append(t.inclusions, l)
		case "consistency":
			t.consistencies = append(t.consistencies, l)
		}
	}
	return in.Err()
}

// Signature, size and root of each head.
func (t *tree) checkHeads() error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	for _, head := range t.heads {
		opened, err := note.Open([]byte(head.Note), note.VerifierList(verifier))
		if err != nil {
			return fmt.Errorf("head %d: %w", head.Size, err)
		}
		lines := strings.Split(opened.Text, "\n")
		root, err := tlog.TreeHash(head.Size, t)
		if err != nil {
			return err
		}
		if len(lines) != 4 || lines[1] != strconv.FormatInt(head.Size, 10) ||
			lines[2] != base64.StdEncoding.EncodeToString(root[:]) || hashOf(head.Root) != root {
			return fmt.Errorf("head %d says %q, the root is %v", head.Size, opened.Text, root)
		}
	}
	return nil
}

func (t *tree) flippedHead() error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	text := []byte(t.heads[0].Note)
	for i := 0; i < len(text)-3; i++ { // the last character holds bits that say nothing
		text[i] ^= 1
		if _, err := note.Open(text, note.VerifierList(verifier)); err == nil {
			return fmt.Errorf("byte %d does not count", i)
		}
		text[i] ^= 1
	}
	return nil
}

func (t *tree) checkInclusions(flip bool) error {
	size := int64(len(t.leaves))
	root, err := tlog.TreeHash(size, t)
	if err != nil {
		return err
	}
	for _, p := range t.inclusions {
		leaf := append([]byte(nil), t.leaves[p.N]...)
		if flip {
			leaf[p.N%int64(len(leaf))] ^= 1
		}
		err := tlog.CheckRecord(hashesOf(p.Hashes), size, root, p.N, tlog.RecordHash(leaf))
		if (err != nil) != flip {
			return fmt.Errorf("record %d of %d, flipped %t: %v", p.N, size, flip, err)
		}
	}
	return nil
}

func (t *tree) checkConsistencies(flip bool) error {
	size := int64(len(t.leaves))
	root, err := tlog.TreeHash(size, t)
	if err != nil {
		return err
	}
	for _, p := range t.consistencies {
		before, err := tlog.TreeHash(p.Size, t)
		if err != nil {
			return err
		}
		if flip {
			before[p.Size%int64(len(before))] ^= 1
		}
		err = tlog.CheckTree(hashesOf(p.Hashes), size, root, p.Size, before)
		if (err != nil) != flip {
			return fmt.Errorf("%d is a prefix of %d, flipped %t: %v", p.Size, size, flip, err)
		}
	}
	return nil
}

// A proof of ours is, hash by hash, the one that Go makes.
func (t *tree) sameProofs() error {
	size := int64(len(t.leaves))
	for _, p := range t.inclusions {
		proof, err := tlog.ProveRecord(size, p.N, t)
		if err != nil {
			return err
		}
		if fmt.Sprint([]tlog.Hash(proof)) != fmt.Sprint(hashesOf(p.Hashes)) {
			return fmt.Errorf("record %d of %d has another proof", p.N, size)
		}
	}
	return nil
}

func main() {
	check("the lines can be read", read)
	for _, name := range []string{"changes", "requests"} {
		t := trees[name]
		about := fmt.Sprintf("%d %s: ", len(t.leaves), name)
		check(about+"there are 10,000 and more", func() error {
			if len(t.leaves) < 10000 || len(t.heads) == 0 || len(t.inclusions) < 1000 || len(t.consistencies) < 1000 {
				return fmt.Errorf("%d heads, %d inclusions, %d consistencies", len(t.heads), len(t.inclusions), len(t.consistencies))
			}
			return nil
		})
		check(about+"signature, size and root of each head", t.checkHeads)
		check(about+"a flipped bit of a head is refused", t.flippedHead)
		check(about+"inclusion", func() error { return t.checkInclusions(false) })
		check(about+"a flipped bit of a record is refused", func() error { return t.checkInclusions(true) })
		check(about+"Go's own proofs are the same", t.sameProofs)
		check(about+"consistency", func() error { return t.checkConsistencies(false) })
		check(about+"a flipped bit of an older root is refused", func() error { return t.checkConsistencies(true) })
	}
}
