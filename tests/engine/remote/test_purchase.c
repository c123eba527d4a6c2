#include "remote/purchase.h"

#include <stdbool.h>

#include <glib.h>

#define MS INT64_C (1000)
#define S INT64_C (1000000)
#define MB UINT64_C (1000000)

/* Waits of several readers count once. */
static void
test_waits (void)
{
    ArecPurchase purchase = {0};

    arec_purchase_begin_wait (&purchase, 10 * MS);
    arec_purchase_end_wait (&purchase, 30 * MS);
    g_assert_cmpint (purchase.waited, ==, 20 * MS);
    arec_purchase_begin_wait (&purchase, 100 * MS);
    arec_purchase_begin_wait (&purchase, 110 * MS);
    arec_purchase_end_wait (&purchase, 140 * MS);
    arec_purchase_begin_wait (&purchase, 150 * MS);
    arec_purchase_end_wait (&purchase, 180 * MS);
    g_assert_cmpint (purchase.waited, ==, 20 * MS);
    arec_purchase_end_wait (&purchase, 200 * MS);
    g_assert_cmpint (purchase.waited, ==, 120 * MS);
    g_assert_cmpuint (purchase.n_waits, ==, 4);
}

static void
test_judge (void)
{
    static const struct {
        int64_t waited;
        uint64_t rate, rest, room;
        ArecPurchaseStep step;
    } rows[] = {
        {1 * S - 1, 0, 95 * MB, 100 * MB, AREC_PURCHASE_NOTHING},
        {1 * S, 0, 95 * MB, 100 * MB, AREC_PURCHASE_SAMPLE},
        {1 * S, 0, 101 * MB, 100 * MB, AREC_PURCHASE_NOTHING},
        {1 * S, 0, 0, 100 * MB, AREC_PURCHASE_NOTHING},
        {1 * S, 0, 1, 0, AREC_PURCHASE_NOTHING}, /* --prefetch 0 */
        {4750 * MS - 1, 20 * MB, 95 * MB, 100 * MB, AREC_PURCHASE_NOTHING},
        {4750 * MS, 20 * MB, 95 * MB, 100 * MB, AREC_PURCHASE_ALL},
        {4750 * MS, 20 * MB, 95 * MB, 94 * MB, AREC_PURCHASE_NOTHING},
        {1 * S, 20 * MB, 20 * MB, 100 * MB, AREC_PURCHASE_ALL},
        {INT64_MAX, 1, UINT64_MAX, UINT64_MAX, AREC_PURCHASE_NOTHING},
        {INT64_MAX, UINT64_MAX, UINT64_MAX / MB, UINT64_MAX, AREC_PURCHASE_ALL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        ArecPurchase purchase = {
            .n_waits = AREC_PURCHASE_MIN_WAITS, .waited = rows[i].waited, .rate = rows[i].rate};

        g_assert_cmpint (arec_purchase_judge (&purchase, rows[i].rest, rows[i].room), ==,
                         rows[i].step);
        purchase.n_waits--;
        g_assert_cmpint (arec_purchase_judge (&purchase, rows[i].rest, rows[i].room), ==,
                         AREC_PURCHASE_NOTHING);
    }
}

static void
test_sample (void)
{
    ArecPurchase purchase = {0};

    arec_purchase_note_sample (&purchase, 4 * MB, 200 * MS);
    g_assert_cmpuint (purchase.rate, ==, 20 * MB);
    arec_purchase_note_sample (&purchase, 1, INT64_MAX);
    g_assert_cmpuint (purchase.rate, ==, 1);
    arec_purchase_note_sample (&purchase, UINT64_MAX, 0);
    g_assert_cmpuint (purchase.rate, ==, UINT64_MAX);
}

/* One reader after the other, a round trip each: not slower than twice the better way, for
 * whatever number of reads. */
static void
test_twice (void)
{
    const int64_t each = 76 * MS;
    const uint64_t size = 95 * MB, chunk = 101000, rate = 20 * MB;
    const int64_t download = (int64_t)(size * S / rate);

    for (unsigned n = 1; n <= 1000; n += 7) {
        ArecPurchase purchase = {0};
        int64_t now = 0;
        uint64_t rest = size;
        bool is_bought = false;

        for (unsigned i = 0; i < n && !is_bought; i++) {
            arec_purchase_begin_wait (&purchase, now);
            now += each;
            arec_purchase_end_wait (&purchase, now);
            rest -= chunk;
            switch (arec_purchase_judge (&purchase, rest, size)) {
            case AREC_PURCHASE_NOTHING: break;
            case AREC_PURCHASE_SAMPLE:
                arec_purchase_note_sample (&purchase, rate, S);
                rest -= 8 * MB;
                break;
            case AREC_PURCHASE_ALL: is_bought = true; break;
            }
        }
        now += is_bought ? (int64_t)(rest * S / rate) : 0;
        g_assert_cmpint (now, <=, 2 * MIN (n * each, download) + each);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/purchase/waits", test_waits);
    g_test_add_func ("/purchase/judge", test_judge);
    g_test_add_func ("/purchase/sample", test_sample);
    g_test_add_func ("/purchase/twice", test_twice);
    return g_test_run();
}
