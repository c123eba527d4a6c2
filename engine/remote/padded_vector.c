#include "remote/padded_vector.h"

#include <string.h>

#include <glib.h>

static void
append (ArecPaddedVector *vector, struct iovec piece)
{
    if (piece.iov_len > 0) {
        vector->pieces[vector->n_pieces++] = piece;
        vector->size += piece.iov_len;
    }
}

void
arec_padded_vector_init (ArecPaddedVector *vector, struct iovec *pieces, struct iovec head,
                         const struct iovec *iov, int n_iov, struct iovec tail)
{
    *vector = (ArecPaddedVector){.pieces = pieces};
    append (vector, head);
    for (int i = 0; i < n_iov; i++) {
        append (vector, iov[i]);
    }
    append (vector, tail);
}

/* Goes to the piece that holds @position. */
static void
seek (ArecPaddedVector *vector, uint64_t position)
{
    if (position < vector->start) {
        vector->at = 0;
        vector->start = 0;
    }
    while (position - vector->start >= vector->pieces[vector->at].iov_len) {
        vector->start += vector->pieces[vector->at++].iov_len;
    }
}

int
arec_padded_vector_slice (ArecPaddedVector *vector, uint64_t begin, uint64_t *end,
                          struct iovec *out, int max_out)
{
    const struct iovec *piece;
    uint64_t skipped;
    int n = 0;

    seek (vector, begin);
    piece = &vector->pieces[vector->at];
    skipped = begin - vector->start;
    for (; begin < *end && n < max_out; piece++, n++) {
        uint64_t length = MIN (piece->iov_len - skipped, *end - begin);

        out[n] = (struct iovec){(uint8_t *)piece->iov_base + skipped, length};
        begin += length;
        skipped = 0;
    }
    *end = begin;
    return n;
}

const void *
arec_padded_vector_flat (ArecPaddedVector *vector, uint64_t begin, size_t size, void *scratch)
{
    uint64_t at = begin, limit = begin + size;
    uint8_t *to = scratch;
    struct iovec piece;

    while (at < limit) {
        uint64_t end = limit;

        arec_padded_vector_slice (vector, at, &end, &piece, 1);
        if (end - begin == size && at == begin) {
            return piece.iov_base;
        }
        memcpy (to, piece.iov_base, piece.iov_len);
        to += piece.iov_len;
        at = end;
    }
    return scratch;
}
