/* Slots of threads: a thing is kept by its thread, goes with it, and is released where none can
 * be kept. */
#include "base/thread_slot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <glib.h>

static _Atomic int n_things;

static void *
make_thing (void)
{
    n_things++;
    return g_malloc (8);
}

static void
release_thing (void *thing)
{
    n_things--;
    g_free (thing);
}

static void
test_is_kept (void)
{
    static ArecThreadSlot slot = AREC_THREAD_SLOT (release_thing);
    void *thing = make_thing(), *other = make_thing();

    g_assert_null (arec_thread_slot_take (&slot));
    arec_thread_slot_give (&slot, NULL);
    arec_thread_slot_give (&slot, thing);
    g_assert_true (arec_thread_slot_peek (&slot) == thing);
    g_assert_true (arec_thread_slot_take (&slot) == thing);
    g_assert_null (arec_thread_slot_take (&slot));
    arec_thread_slot_give (&slot, thing);
    arec_thread_slot_give (&slot, other);
    g_assert_cmpint (n_things, ==, 1);
    g_assert_true (arec_thread_slot_take (&slot) == other);
    release_thing (other);
    g_assert_cmpint (n_things, ==, 0);
}

static void *
keep_one (void *data)
{
    ArecThreadSlot *slot = data;

    g_assert_null (arec_thread_slot_take (slot));
    arec_thread_slot_give (slot, make_thing());
    return NULL;
}

/* All make the key at about the same time, and each has a thing of its own. */
static void
test_goes_with_thread (void)
{
    static ArecThreadSlot slot = AREC_THREAD_SLOT (release_thing);
    pthread_t threads[8];

    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, keep_one, &slot), ==, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
    g_assert_cmpint (n_things, ==, 0);
    g_assert_null (arec_thread_slot_peek (&slot));
}

/* A slot that the system has no key for keeps nothing and loses nothing, and keeps things as
 * soon as there is one. */
static void
test_no_key (void)
{
    static ArecThreadSlot slot = AREC_THREAD_SLOT (release_thing);
    pthread_key_t keys[2000];
    unsigned n = 0;
    void *thing = make_thing();

    while (pthread_key_create (&keys[n], NULL) == 0) {
        n++;
        g_assert_cmpuint (n, <, G_N_ELEMENTS (keys));
    }
    g_assert_null (arec_thread_slot_take (&slot));
    g_assert_null (arec_thread_slot_peek (&slot));
    arec_thread_slot_give (&slot, make_thing());
    g_assert_cmpint (n_things, ==, 1);
    while (n > 0) {
        pthread_key_delete (keys[--n]);
    }
    arec_thread_slot_give (&slot, thing);
    g_assert_true (arec_thread_slot_take (&slot) == thing);
    release_thing (thing);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/thread-slot/kept", test_is_kept);
    g_test_add_func ("/thread-slot/goes-with-thread", test_goes_with_thread);
    g_test_add_func ("/thread-slot/no-key", test_no_key);
    return g_test_run();
}
