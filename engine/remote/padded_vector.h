/* The memory of a vectored read, with room in front and behind: one range of bytes.
 *
 *     sectors    |----------|----------|----------|
 *     memory     [head][ iov 0 ][iov 1][ iov 2 ][tail]
 *
 * So whole sectors can be read and written where the reader wants less. Positions are bytes
 * from the start of the head. One thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct {
    struct iovec *pieces; /* none is empty */
    size_t n_pieces;
    uint64_t size;  /* of all together */
    size_t at;      /* the piece of the last slice's start, where the next one is looked for */
    uint64_t start; /* its position */
} ArecPaddedVector;

/* Puts @head before and @tail behind the @n_iov pieces of @iov, all of which stay the caller's;
 * each may be empty.
 * @pieces  memory for @n_iov + 2 of them, which the vector uses. */
void arec_padded_vector_init (ArecPaddedVector *vector, struct iovec *pieces, struct iovec head,
                              const struct iovec *iov, int n_iov, struct iovec tail);

/* The memory of [@begin, @end), not empty and within the vector, or of as much of it from
 * @begin on as @max_out pieces hold. Slices that go forward cost what they pass.
 * @out  gets them; calls that read may change it.
 * @end  (inout) where the slice ends.
 * Returns their number. */
int arec_padded_vector_slice (ArecPaddedVector *vector, uint64_t begin, uint64_t *end,
                              struct iovec *out, int max_out);

/* The bytes [@begin, @begin + @size) in one piece: where they lie, or in @scratch, of @size
 * bytes. */
const void *arec_padded_vector_flat (ArecPaddedVector *vector, uint64_t begin, size_t size,
                                     void *scratch);
