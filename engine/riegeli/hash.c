#include "riegeli/hash.h"

#include <string.h>

#include <glib.h>
#include <highwayhash/c_bindings.h>

#include "base/bytes.h"
#include "base/phases.h"

/* "Riegeli/records\n" twice, as little-endian lanes. */
static const HHKey key = {0x2f696c6567656952, 0x0a7364726f636572, 0x2f696c6567656952,
                          0x0a7364726f636572};

uint64_t
arec_hash (const void *data, size_t size)
{
    return HighwayHash64 (key, size > 0 ? data : "", size);
}

uint64_t
arec_hash_data (const void *data, size_t size)
{
    ArecPhaseMark mark = arec_phases_enter_short (AREC_PHASE_HASHING);
    uint64_t hash = arec_hash (data, size);

    arec_phases_leave (mark);
    return hash;
}

/* ---- piece by piece: the library has no such call for C ---- */

static const uint64_t init0[4] = {0xdbe6d5d5fe4cce2f, 0xa4093822299f31d0, 0x13198a2e03707344,
                                  0x243f6a8885a308d3};
static const uint64_t init1[4] = {0x3bd39e10cb0ef593, 0xc0acf169b5f18a8c, 0xbe5466cf34e90c6c,
                                  0x452821e638d01377};

static inline uint64_t
swap_halves (uint64_t lane)
{
    return lane << 32 | lane >> 32;
}

/* Byte @from of @lane as byte @to. */
#define MOVE(lane, from, to)                                                                   \
    ((to) < (from) ? ((lane)&UINT64_C (0xff) << 8 * (from)) >> 8 * ((from) - (to))             \
                   : ((lane)&UINT64_C (0xff) << 8 * (from)) << 8 * ((to) - (from)))

/* Adds the bytes of @a and @b, mixed, to two lanes. */
static inline void
zip_and_add (uint64_t a, uint64_t b, uint64_t *even, uint64_t *odd)
{
    *even += MOVE (a, 3, 0) | MOVE (b, 4, 1) | MOVE (a, 2, 2) | MOVE (a, 5, 3) |
             MOVE (b, 6, 4) | MOVE (a, 1, 5) | MOVE (b, 7, 6) | MOVE (a, 0, 7);
    *odd += MOVE (b, 3, 0) | MOVE (a, 4, 1) | MOVE (b, 2, 2) | MOVE (b, 5, 3) | MOVE (b, 1, 4) |
            MOVE (a, 6, 5) | MOVE (b, 0, 6) | MOVE (a, 7, 7);
}

static inline void
update (ArecHashStream *s, const uint64_t packet[4])
{
    for (unsigned i = 0; i < 4; i++) {
        s->v1[i] += s->mul0[i] + packet[i];
        s->mul0[i] ^= (s->v1[i] & UINT32_MAX) * (s->v0[i] >> 32);
        s->v0[i] += s->mul1[i];
        s->mul1[i] ^= (s->v0[i] & UINT32_MAX) * (s->v1[i] >> 32);
    }
    for (unsigned i = 0; i < 4; i += 2) {
        zip_and_add (s->v1[i], s->v1[i + 1], &s->v0[i], &s->v0[i + 1]);
    }
    for (unsigned i = 0; i < 4; i += 2) {
        zip_and_add (s->v0[i], s->v0[i + 1], &s->v1[i], &s->v1[i + 1]);
    }
}

static inline void
update_with_bytes (ArecHashStream *stream, const uint8_t *bytes)
{
    uint64_t packet[4];

    for (unsigned i = 0; i < 4; i++) {
        packet[i] = arec_le64 (bytes + sizeof (uint64_t) * i);
    }
    update (stream, packet);
}

void
arec_hash_stream_init (ArecHashStream *stream)
{
    for (unsigned i = 0; i < 4; i++) {
        stream->mul0[i] = init0[i];
        stream->mul1[i] = init1[i];
        stream->v0[i] = init0[i] ^ key[i];
        stream->v1[i] = init1[i] ^ swap_halves (key[i]);
    }
    stream->n_pending = 0;
}

void
arec_hash_stream_add (ArecHashStream *stream, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    ArecHashStream local;

    if (stream->n_pending > 0) {
        size_t n = MIN (size, AREC_HASH_PACKET - stream->n_pending);

        memcpy (stream->pending + stream->n_pending, bytes, n);
        stream->n_pending += n;
        bytes += n;
        size -= n;
        if (stream->n_pending < AREC_HASH_PACKET) {
            return;
        }
        update_with_bytes (stream, stream->pending);
        stream->n_pending = 0;
    }
    /* A local copy stays in registers. */
    local = *stream;
    for (; size >= AREC_HASH_PACKET; size -= AREC_HASH_PACKET) {
        update_with_bytes (&local, bytes);
        bytes += AREC_HASH_PACKET;
    }
    *stream = local;
    if (size > 0) {
        memcpy (stream->pending, bytes, size);
        stream->n_pending = size;
    }
}

static uint64_t
rotate_each_half (uint64_t lane, unsigned by)
{
    uint32_t low = (uint32_t)lane, high = (uint32_t)(lane >> 32);

    low = low << by | low >> (32 - by);
    high = high << by | high >> (32 - by);
    return (uint64_t)high << 32 | low;
}

/* The last bytes, fewer than a packet but at least one, spread over a packet. */
static void
update_with_rest (ArecHashStream *stream)
{
    const uint8_t *rest = stream->pending;
    size_t n = stream->n_pending, whole_words = n & ~(size_t)3, odd = n & 3;
    uint8_t packet[AREC_HASH_PACKET] = {0};

    for (unsigned i = 0; i < 4; i++) {
        stream->v0[i] += ((uint64_t)n << 32) + n;
        stream->v1[i] = rotate_each_half (stream->v1[i], (unsigned)n);
    }
    memcpy (packet, rest, whole_words);
    if (n & 16) {
        memcpy (packet + 28, rest + n - 4, 4);
    } else if (odd > 0) {
        packet[16] = rest[whole_words];
        packet[17] = rest[whole_words + (odd >> 1)];
        packet[18] = rest[whole_words + odd - 1];
    }
    update_with_bytes (stream, packet);
}

uint64_t
arec_hash_stream_finish (ArecHashStream *stream)
{
    if (stream->n_pending > 0) {
        update_with_rest (stream);
    }
    for (unsigned round = 0; round < 4; round++) {
        const uint64_t packet[4] = {swap_halves (stream->v0[2]), swap_halves (stream->v0[3]),
                                    swap_halves (stream->v0[0]), swap_halves (stream->v0[1])};

        update (stream, packet);
    }
    return stream->v0[0] + stream->v1[0] + stream->mul0[0] + stream->mul1[0];
}
