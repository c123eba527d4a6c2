/* The pool of descriptors: its bound, who is closed first, and who never is. */
#include "source/fd_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/error.h"

typedef struct {
    ArecFdSlot slot;
    _Atomic unsigned opens;
    bool fails;
} Item;

static int
open_item (ArecFdSlot *slot, GError **error)
{
    Item *item = (Item *)slot; /* its first member */

    item->opens++;
    if (item->fails) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "it is gone");
        return -1;
    }
    return open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
use (Item *item)
{
    g_autoptr (GError) error = NULL;
    int fd = arec_fd_slot_acquire (&item->slot, &error);

    g_assert_no_error (error);
    g_assert_cmpint (fcntl (fd, F_GETFD), >=, 0);
    arec_fd_slot_release (&item->slot);
}

static Item *
items_new (ArecFdPool *pool, unsigned n)
{
    Item *items = g_new0 (Item, n);

    for (unsigned i = 0; i < n; i++) {
        arec_fd_slot_init (&items[i].slot, pool, open_item);
    }
    return items;
}

static void
items_free (Item *items, unsigned n, ArecFdPool *pool)
{
    for (unsigned i = 0; i < n; i++) {
        arec_fd_slot_clear (&items[i].slot);
    }
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 0);
    g_free (items);
    arec_fd_pool_free (pool);
}

static void
test_bound_and_order (void)
{
    ArecFdPool *pool = arec_fd_pool_new (3);
    Item *items = items_new (pool, 5);

    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 0);
    for (unsigned i = 0; i < 3; i++) {
        use (&items[i]);
    }
    use (&items[0]); /* so 1 is the least recently used */
    use (&items[3]);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 3);
    use (&items[0]);
    use (&items[2]);
    use (&items[3]);
    g_assert_cmpuint (items[0].opens, ==, 1);
    g_assert_cmpuint (items[2].opens, ==, 1);
    g_assert_cmpuint (items[3].opens, ==, 1);
    use (&items[1]);
    g_assert_cmpuint (items[1].opens, ==, 2);
    use (&items[0]); /* went for 1 */
    g_assert_cmpuint (items[0].opens, ==, 2);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 3);
    items_free (items, 5, pool);
    arec_fd_pool_free (NULL);
}

/* What is in use stays open, beyond the bound if need be, and the bound holds again after. */
static void
test_in_use (void)
{
    ArecFdPool *pool = arec_fd_pool_new (2);
    Item *items = items_new (pool, 6);
    int fds[6];

    for (unsigned i = 0; i < 6; i++) {
        fds[i] = arec_fd_slot_acquire (&items[i].slot, NULL);
        for (unsigned k = 0; k <= i; k++) {
            g_assert_cmpint (fcntl (fds[k], F_GETFD), >=, 0);
        }
    }
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 6);
    g_assert_cmpint (arec_fd_slot_acquire (&items[5].slot, NULL), ==,
                     fds[5]); /* a second user */
    for (unsigned i = 0; i < 6; i++) {
        arec_fd_slot_release (&items[i].slot);
    }
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 2);
    g_assert_cmpint (fcntl (fds[5], F_GETFD), >=, 0);
    arec_fd_slot_release (&items[5].slot);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 2);
    items_free (items, 6, pool);
}

static void
test_failed_open (void)
{
    ArecFdPool *pool = arec_fd_pool_new (0);
    Item *items = items_new (pool, 1);
    g_autoptr (GError) error = NULL;

    items[0].fails = true;
    g_assert_cmpint (arec_fd_slot_acquire (&items[0].slot, &error), ==, -1);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_NOT_FOUND);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 0);
    items[0].fails = false;
    use (&items[0]);
    items_free (items, 1, pool);
}

enum { THREADS = 8, ITEMS = 20, BOUND = 3 };

typedef struct {
    ArecFdPool *pool;
    Item *items;
    _Atomic unsigned seed;
} Shared;

static void *
use_many (void *data)
{
    Shared *shared = data;
    g_autoptr (GRand) rand = g_rand_new_with_seed (shared->seed++);

    for (unsigned i = 0; i < 5000; i++) {
        use (&shared->items[g_rand_int_range (rand, 0, ITEMS)]);
        g_assert_cmpuint (arec_fd_pool_n_open (shared->pool), <=, BOUND + THREADS);
    }
    return NULL;
}

static void
test_threads (void)
{
    Shared shared = {.pool = arec_fd_pool_new (BOUND), .seed = (unsigned)g_test_rand_int()};
    pthread_t threads[THREADS];

    shared.items = items_new (shared.pool, ITEMS);
    for (unsigned i = 0; i < THREADS; i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, use_many, &shared), ==, 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpuint (arec_fd_pool_n_open (shared.pool), <=, BOUND);
    items_free (shared.items, ITEMS, shared.pool);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/fd-pool/order", test_bound_and_order);
    g_test_add_func ("/fd-pool/in-use", test_in_use);
    g_test_add_func ("/fd-pool/failed-open", test_failed_open);
    g_test_add_func ("/fd-pool/threads", test_threads);
    return g_test_run();
}
