/* The pool of descriptors: its bound, which one is closed first, and which never. */
#include "source/fd_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"

typedef struct {
    ArecFdSlot slot;
    _Atomic unsigned opens;
    bool fails;
} Item;

/* Opens like a source. */
static int
open_null (ArecFdPool *pool)
{
    ArecFdShortage shortage = {0};
    int fd;

    do {
        fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && arec_fd_pool_make_room (pool, &shortage, errno));
    return fd;
}

static int
open_item (ArecFdSlot *slot, GError **error)
{
    Item *item = (Item *)slot; /* its first member */

    item->opens++;
    if (item->fails) {
        arec_fail (error, AREC_ERROR_NOT_FOUND, "it is gone");
        return -1;
    }
    return open_null (slot->pool);
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
    use (&items[0]); /* closed to open 1 */
    g_assert_cmpuint (items[0].opens, ==, 2);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 3);
    items_free (items, 5, pool);
    arec_fd_pool_free (NULL);
}

/* Descriptors in use stay open, even beyond the bound, which holds again afterwards. */
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

/* ---- fewer descriptors than the bound allows ---- */

/* Leaves @n free descriptors. Returns the previous limit. */
static rlim_t
leave_descriptors (unsigned n)
{
    struct rlimit limit;
    int next = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    rlim_t before;

    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)next + n;
    close (next);
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    return before;
}

static void
set_descriptors (rlim_t n)
{
    struct rlimit limit;

    g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
    limit.rlim_cur = n;
    g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

/* Idle descriptors are closed, those in use are not. */
static void
test_shortage (void)
{
    ArecFdPool *pool = arec_fd_pool_new (100);
    Item *items = items_new (pool, 10);
    rlim_t before = leave_descriptors (3);
    int kept = arec_fd_slot_acquire (&items[9].slot, NULL);

    g_assert_cmpint (kept, >=, 0);
    for (unsigned i = 0; i < 9; i++) {
        use (&items[i]);
        g_assert_cmpint (fcntl (kept, F_GETFD), >=, 0);
    }
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 3);
    use (&items[7]);
    g_assert_cmpuint (items[7].opens, ==, 1); /* the oldest ones went */
    arec_fd_slot_release (&items[9].slot);
    set_descriptors (before);
    items_free (items, 10, pool);
}

/* A descriptor that was given up stays with those that use it, and is no one's after them. */
static void
test_retired (void)
{
    ArecFdPool *pool = arec_fd_pool_new (3);
    Item *items = items_new (pool, 2);
    int fd = arec_fd_slot_acquire (&items[0].slot, NULL);

    g_assert_cmpint (arec_fd_slot_acquire (&items[0].slot, NULL), ==, fd);
    arec_fd_slot_retire (&items[0].slot);
    g_assert_cmpint (fcntl (fd, F_GETFD), >=, 0);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 1);
    arec_fd_slot_release (&items[0].slot);
    g_assert_cmpint (fcntl (fd, F_GETFD), ==, -1);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 0);
    use (&items[0]);
    use (&items[0]);
    g_assert_cmpuint (items[0].opens, ==, 2);
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 1);
    g_assert_cmpint (arec_fd_slot_acquire (&items[1].slot, NULL), >=, 0);
    arec_fd_slot_retire (&items[1].slot);
    items_free (items, 2, pool);
}

static void *
release_later (void *data)
{
    Item *item = data;

    g_usleep (30000);
    arec_fd_slot_release (&item->slot);
    return NULL;
}

/* With all of them in use the next caller waits; if none can become idle, it fails. */
static void
test_waiting (void)
{
    ArecFdPool *pool = arec_fd_pool_new (100);
    Item *items = items_new (pool, 3);
    rlim_t before = leave_descriptors (2);
    ArecFdShortage shortage = {0};
    pthread_t thread;

    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint (arec_fd_slot_acquire (&items[i].slot, NULL), >=, 0);
    }
    g_assert_cmpint (pthread_create (&thread, NULL, release_later, &items[1]), ==, 0);
    use (&items[2]);
    pthread_join (thread, NULL);
    set_descriptors (before);
    g_assert_false (arec_fd_pool_make_room (pool, &shortage, ENOENT));
    g_assert_cmpint (shortage.deadline, ==, 0);
    arec_fd_slot_release (&items[0].slot);
    g_assert_true (arec_fd_pool_make_room (pool, &shortage, ENFILE));
    g_assert_true (arec_fd_pool_make_room (pool, &shortage, EMFILE));
    g_assert_cmpuint (arec_fd_pool_n_open (pool), ==, 0);
    g_assert_false (arec_fd_pool_make_room (pool, &shortage, EMFILE));
    items_free (items, 3, pool);
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
    g_test_add_func ("/fd-pool/shortage", test_shortage);
    g_test_add_func ("/fd-pool/waiting", test_waiting);
    g_test_add_func ("/fd-pool/retired", test_retired);
    g_test_add_func ("/fd-pool/threads", test_threads);
    return g_test_run();
}
