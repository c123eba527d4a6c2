/* Slices of padded vectors against plain bytes. */
#include "remote/padded_vector.h"

#include <string.h>

#include <glib.h>

#define MAX_PIECES 12

static void
assert_slice (ArecPaddedVector *vector, const uint8_t *bytes, uint64_t begin, uint64_t end,
              int max_out)
{
    struct iovec out[MAX_PIECES];
    uint8_t scratch[MAX_PIECES * 8];
    const uint64_t wanted = end;
    uint64_t at = begin;
    int n = arec_padded_vector_slice (vector, begin, &end, out, max_out);

    g_assert_cmpint (n, >=, 1);
    g_assert_cmpint (n, <=, max_out);
    for (int i = 0; i < n; i++) {
        g_assert_cmpuint (out[i].iov_len, >, 0);
        g_assert_true (memcmp (out[i].iov_base, bytes + at, out[i].iov_len) == 0);
        at += out[i].iov_len;
    }
    g_assert_cmpuint (at, ==, end);
    g_assert_true (end == wanted || n == max_out);
    g_assert_true (memcmp (arec_padded_vector_flat (vector, begin, wanted - begin, scratch),
                           bytes + begin, wanted - begin) == 0);
}

/* All slices of vectors of pieces of random lengths, in any order. */
static void
test_slices (void)
{
    for (int round = 0; round < 300; round++) {
        uint8_t bytes[MAX_PIECES * 8];
        struct iovec iov[MAX_PIECES - 2], pieces[MAX_PIECES], all[MAX_PIECES];
        int n_iov = g_test_rand_int_range (0, MAX_PIECES - 1);
        ArecPaddedVector vector;
        size_t size = 0;

        for (int i = 0; i < n_iov + 2; i++) {
            size_t length = (size_t)g_test_rand_int_range (0, 8);

            all[i] = (struct iovec){bytes + size, length};
            size += length;
        }
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)i;
        }
        memcpy (iov, all + 1, (size_t)n_iov * sizeof *iov);
        arec_padded_vector_init (&vector, pieces, all[0], iov, n_iov, all[n_iov + 1]);
        g_assert_cmpuint (vector.size, ==, size);
        for (int i = 0; i < 50 && size > 0; i++) {
            uint64_t begin = (uint64_t)g_test_rand_int_range (0, (gint32)size);
            uint64_t end = (uint64_t)g_test_rand_int_range ((gint32)begin, (gint32)size) + 1;

            assert_slice (&vector, bytes, begin, end,
                          g_test_rand_int_range (1, MAX_PIECES + 1));
        }
    }
}

static void
test_flat (void)
{
    char one[] = "abc", two[] = "defg", scratch[8];
    struct iovec pieces[3], iov = {two, 4};
    ArecPaddedVector vector;

    arec_padded_vector_init (&vector, pieces, (struct iovec){one, 3}, &iov, 1,
                             (struct iovec){NULL, 0});
    g_assert_true (arec_padded_vector_flat (&vector, 3, 4, scratch) == two);
    g_assert_true (arec_padded_vector_flat (&vector, 4, 2, scratch) == two + 1);
    g_assert_true (arec_padded_vector_flat (&vector, 1, 2, scratch) == one + 1);
    g_assert_true (arec_padded_vector_flat (&vector, 1, 5, scratch) == scratch);
    g_assert_cmpint (memcmp (scratch, "bcdef", 5), ==, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/padded_vector/slices", test_slices);
    g_test_add_func ("/padded_vector/flat", test_flat);
    return g_test_run();
}
