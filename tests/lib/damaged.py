"""Sound files damaged on purpose, and what must be reported about each damage.

A damage is (offset, length, first_record, records), the last two None where they cannot be known.
"""

import re
from dataclasses import dataclass

from container import BLOCK, BLOCK_HEADER, CHUNK_HEADER, Container
from sanitized import EVERY, sample


@dataclass(frozen=True)
class Case:
    name: str
    content: bytes
    damages: tuple      # what `verify` must name, in order of offset
    lost: frozenset     # numbers, in the sound file, of the records that are not sound
    kept: frozenset     # of these, those that `repair` keeps: only a block header was damaged
    scanned: frozenset  # of these, those that have no number where a scan makes the index
    unknown: bool       # whether `repair` cannot know how many were lost
    needs_recover: bool  # the index cannot be used as it is

    def __str__(self):
        return self.name


def flipped(content, *positions):
    content = bytearray(content)
    for position in positions:
        content[position] ^= 16
    return bytes(content)


def changed_byte(before, after):
    """The first position at which the two differ."""
    return next(i for i, (a, b) in enumerate(zip(before, after)) if a != b)


class Sound:
    """A sound file and its chunks of records, with the records that each holds."""

    def __init__(self, path):
        self.container = Container(path)
        self.content = self.container.content
        self.size = len(self.content)
        self.chunks = self.container.user_chunks
        self.footer, self.postscript = self.container.footer, self.container.postscript
        self.first = [0]
        for chunk in self.chunks:
            self.first.append(self.first[-1] + chunk.n_records)
        self.n_records = self.first[-1]

    @property
    def is_listed(self):
        return self.footer is not None

    def records(self, i):
        return range(self.first[i], self.first[i + 1])

    def chunk_header_byte(self, chunk):
        """Where a byte of the chunk's own header lies, not of a block header."""
        return chunk.begin + (BLOCK_HEADER if chunk.begin % BLOCK == 0 else 0) + 9

    def next_listed(self, i):
        """Where the next chunk starts that the footer or the postscript names."""
        return self.chunks[i + 1].begin if i + 1 < len(self.chunks) else self.footer.begin

    def found_again(self, position):
        """Where a reader that searches from @position on finds the next chunk: after the chunk
        that lies across the next block header."""
        block = -(-position // BLOCK) * BLOCK
        if block >= self.size:
            return self.size
        chunk = next(c for c in self.container.chunks if c.end > block)
        return block if chunk.begin == block else chunk.end

    def _case(self, name, content, damages, lost=(), kept=(), scanned=(), unknown=False,
              needs_recover=False):
        return Case(name, content, tuple(damages), frozenset(lost), frozenset(kept),
                    frozenset(scanned), unknown, needs_recover)

    # ---- damages ----

    def data(self, i):
        chunk = self.chunks[i]
        return self._case(f"data_of_chunk_{i}",
                          flipped(self.content, chunk.position(chunk.data_size // 2)),
                          [(chunk.begin, chunk.end - chunk.begin, self.first[i], chunk.n_records)],
                          self.records(i))

    def header(self, i):
        chunk = self.chunks[i]
        content = flipped(self.content, self.chunk_header_byte(chunk))
        end = self.found_again(chunk.begin + CHUNK_HEADER)
        if self.is_listed:
            end = min(end, self.next_listed(i))
            return self._case(f"header_of_chunk_{i}", content,
                              [(chunk.begin, end - chunk.begin, self.first[i], chunk.n_records)],
                              self.records(i))
        lost = [r for k, c in enumerate(self.chunks) if chunk.begin <= c.begin < end
                for r in self.records(k)]
        return self._case(f"header_of_chunk_{i}", content,
                          [(chunk.begin, end - chunk.begin, self.first[i], None)], lost,
                          scanned=lost, unknown=True)

    def block_header(self):
        """Of the first block that begins within the data of a chunk of records; None without."""
        for i, chunk in enumerate(self.chunks):
            block = (chunk.begin // BLOCK + 1) * BLOCK
            if block < chunk.position(chunk.data_size - 1) and block > chunk.position(0):
                return self._case(f"block_header_in_chunk_{i}", flipped(self.content, block + 3),
                                  [(chunk.begin, chunk.end - chunk.begin, self.first[i],
                                    chunk.n_records)], self.records(i), kept=self.records(i))
        return None

    def block_header_before(self):
        """Of a block that begins with a chunk of records; None without."""
        for i, chunk in enumerate(self.chunks):
            if chunk.begin % BLOCK == 0:
                header = self.header(i)
                return self._case(f"block_header_of_chunk_{i}",
                                  flipped(self.content, chunk.begin + 3), header.damages,
                                  header.lost, kept=header.lost - header.scanned,
                                  scanned=header.scanned, unknown=header.unknown)
        return None

    def signature(self):
        return self._case("signature", flipped(self.content, 30), [(0, 64, 0, 0)])

    def padding(self):
        chunk = next((c for c in self.container.chunks if c.kind == "p" and c.data_size), None)
        if chunk is None:
            return None
        first = sum(c.n_records for c in self.chunks if c.begin < chunk.begin)
        return self._case("padding", flipped(self.content, chunk.position(0)),
                          [(chunk.begin, chunk.end - chunk.begin, first, 0)])

    def footer_data(self):
        footer = self.footer
        return self._case("footer", flipped(self.content, footer.position(footer.data_size // 2)),
                          [(footer.begin, footer.end - footer.begin, self.n_records, 0)],
                          needs_recover=True)

    def footer_header(self):
        footer = self.footer
        return self._case("header_of_footer",
                          flipped(self.content, self.chunk_header_byte(footer)),
                          [(footer.begin, self.postscript.begin - footer.begin, self.n_records, 0)],
                          needs_recover=True)

    def postscript_data(self):
        chunk = self.postscript
        return self._case("postscript", flipped(self.content, chunk.position(5)),
                          [(chunk.begin, chunk.end - chunk.begin, self.n_records, 0)],
                          needs_recover=True)

    def postscript_header(self):
        begin = self.postscript.begin
        return self._case("header_of_postscript", flipped(self.content, begin + BLOCK_HEADER + 9),
                          [(begin, self.size - begin, self.n_records, 0)], needs_recover=True)

    def postscript_and_footer(self):
        footer, chunk = self.footer, self.postscript
        return self._case("footer_and_postscript",
                          flipped(self.content, footer.position(footer.data_size // 2),
                                  chunk.position(5)),
                          [(footer.begin, footer.end - footer.begin, self.n_records, 0),
                           (chunk.begin, chunk.end - chunk.begin, self.n_records, 0)],
                          needs_recover=True)

    def without_postscript(self):
        end = self.postscript.begin
        return self._case("no_postscript", self.content[:end], [(end, 0, self.n_records, 0)],
                          needs_recover=True)

    def without_footer(self):
        end = self.footer.begin
        return self._case("no_footer", self.content[:end], [(end, 0, self.n_records, None)],
                          unknown=True, needs_recover=True)

    def garbage(self):
        return self._case("garbage_behind", self.content + b"garbage" * 20,
                          [(self.size, 140, self.n_records, 0 if self.is_listed else None)],
                          unknown=not self.is_listed, needs_recover=self.is_listed)

    def cut(self, i):
        """Within the data of chunk @i: the file ends there."""
        chunk = self.chunks[i]
        end = chunk.position(chunk.data_size // 2)
        lost = range(self.first[i], self.n_records)
        return self._case(f"cut_in_chunk_{i}", self.content[:end],
                          [(chunk.begin, end - chunk.begin, self.first[i], None)], lost,
                          scanned=lost, unknown=True, needs_recover=self.is_listed)

    def data_and_footer(self, i):
        """The header of chunk @i is sound, so its records have numbers even without a footer."""
        chunk, footer = self.chunks[i], self.footer
        return self._case(f"data_of_chunk_{i}_and_footer",
                          flipped(self.content, chunk.position(0),
                                  footer.position(footer.data_size // 2)),
                          [(chunk.begin, chunk.end - chunk.begin, self.first[i], chunk.n_records),
                           (footer.begin, footer.end - footer.begin, self.n_records, 0)],
                          self.records(i), needs_recover=True)

    def header_and_postscript(self, i):
        """If a scan finds the footer, which starts in no lost stretch, the footer lists the lost chunk."""
        header, begin = self.header(i), self.postscript.begin
        content = flipped(header.content, begin + 33)
        end = self.found_again(self.chunks[i].begin + CHUNK_HEADER)
        if end <= self.footer.begin:
            return self._case(f"header_of_chunk_{i}_and_postscript", content,
                              [*header.damages, (begin, self.size - begin, self.n_records, 0)],
                              header.lost, needs_recover=True)
        lost = range(self.first[i], self.n_records)
        return self._case(f"header_of_chunk_{i}_and_postscript", content,
                          [(self.chunks[i].begin, end - self.chunks[i].begin, self.first[i], None),
                           (begin, self.size - begin, self.first[i], None)], lost, scanned=lost,
                          unknown=True, needs_recover=True)

    def several(self):
        """The first, a middle and the last chunk, each by another damage."""
        last = len(self.chunks) - 1
        one, two, three = self.data(0), self.header(last // 2), self.data(last)
        content = flipped(self.content, *(changed_byte(self.content, case.content)
                                          for case in (one, two, three)))
        return self._case("several", content, one.damages + two.damages + three.damages,
                          one.lost | two.lost | three.lost)

    def cases(self):
        """Every damage that this file can have."""
        last = len(self.chunks) - 1
        numbers = sorted({0, last // 2, last}) if self.chunks else []
        found = [self.signature(), self.padding(), self.block_header(), self.block_header_before(),
                 self.garbage()]
        for i in numbers:
            found += [self.data(i), self.header(i), self.cut(i)]
        if self.is_listed:
            found += [self.footer_data(), self.footer_header(), self.postscript_data(),
                      self.postscript_header(), self.postscript_and_footer(),
                      self.without_postscript(), self.without_footer()]
            found += [self.data_and_footer(i) for i in numbers]
            found += [self.header_and_postscript(i) for i in numbers]
            if len(self.chunks) >= 5:
                found.append(self.several())
        return [case for case in found if case]


class Sample:
    """Every damage that each of some golden files can have; with a sanitizer every fourth of each kind, at least one."""

    def __init__(self, files):
        kinds = {}
        for file in files if EVERY > 1 else []:
            for case in Sound(file.path).cases():
                kinds.setdefault(re.sub(r"\d+", "", case.name), []).append((file.path, case.name))
        # The first one of each kind differs, so that no file gets all kinds and another none.
        self._chosen = {place for i, places in enumerate(kinds.values())
                        for place in sample(places, i % min(EVERY, len(places)))}

    def of(self, file, sound):
        """The cases of @file, whose Sound is @sound."""
        return [case for case in sound.cases() if EVERY == 1 or (file.path, case.name) in self._chosen]
