/* The keyed hash against HighwayHash's published answers, and what is made of it. */
#include "base/keyed_hash.h"

#include <string.h>

#include <glib.h>

/* The key and the answers of HighwayHash's own test, for 0, 1, 2... of as many bytes. */
static void
test_known_answers (void)
{
    static const uint64_t answers[] = {
        0x907A56DE22C26E53, 0x7EAB43AAC7CDDD78, 0xB8D0569AB0B53D62, 0x5C6BEFAB8A463D80,
        0xF205A46893007EDA, 0x2B8A1668E4A94541, 0xBD4CCC325BEFCA6F, 0x4D02AE1738F59482};
    uint8_t bytes[AREC_HASH_KEY_SIZE];
    ArecHashKey key;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    key = arec_hash_key (bytes);
    g_assert_cmphex (key.words[0], ==, 0x0706050403020100);
    g_assert_cmphex (key.words[3], ==, 0x1f1e1d1c1b1a1918);
    for (size_t i = 0; i < G_N_ELEMENTS (answers); i++) {
        g_assert_cmphex (arec_keyed_hash (&key, bytes, i), ==, answers[i]);
    }
    g_assert_cmphex (arec_keyed_hash (&key, NULL, 0), ==, answers[0]);
}

static void
test_derived (void)
{
    const ArecHashKey key = {{1, 2, 3, 4}}, other = {{1, 2, 3, 5}};
    const ArecHashKey a = arec_hash_key_derive (&key, "a", 1);
    const ArecHashKey again = arec_hash_key_derive (&key, "a", 1);
    const ArecHashKey b = arec_hash_key_derive (&key, "b", 1);
    const ArecHashKey of_other = arec_hash_key_derive (&other, "a", 1);

    g_assert_cmpmem (&a, sizeof a, &again, sizeof again);
    for (size_t i = 0; i < G_N_ELEMENTS (a.words); i++) {
        g_assert_cmphex (a.words[i], !=, b.words[i]);
        g_assert_cmphex (a.words[i], !=, of_other.words[i]);
        for (size_t j = 0; j < i; j++) {
            g_assert_cmphex (a.words[i], !=, a.words[j]);
        }
    }
}

static void
test_name (void)
{
    const ArecHashKey key = {{0}};
    char one[AREC_KEYED_NAME_SIZE], two[AREC_KEYED_NAME_SIZE];

    arec_keyed_name (&key, "one", 3, one);
    arec_keyed_name (&key, "two", 3, two);
    g_assert_cmpuint (strlen (one), ==, 32);
    g_assert_cmpuint (strspn (one, "0123456789abcdef"), ==, 32);
    g_assert_cmpstr (one, !=, two);
    g_assert_cmpint (memcmp (one, one + 16, 16), !=, 0);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/keyed_hash/known-answers", test_known_answers);
    g_test_add_func ("/keyed_hash/derived", test_derived);
    g_test_add_func ("/keyed_hash/name", test_name);
    return g_test_run();
}
