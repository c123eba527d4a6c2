#include "base/thread_slot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The key of @slot, which is made once. Of two threads that make it at the same time one gives
 * its own back. Returns false if the system has none left. */
static bool
find_key (ArecThreadSlot *slot, pthread_key_t *key)
{
    uint64_t known = atomic_load_explicit (&slot->key, memory_order_acquire);

    if (known == 0) {
        if (pthread_key_create (key, slot->release) != 0) {
            return false;
        }
        if (atomic_compare_exchange_strong (&slot->key, &known, (uint64_t)*key + 1)) {
            return true;
        }
        pthread_key_delete (*key);
    }
    *key = (pthread_key_t)(known - 1);
    return true;
}

void *
arec_thread_slot_peek (ArecThreadSlot *slot)
{
    pthread_key_t key;

    return find_key (slot, &key) ? pthread_getspecific (key) : NULL;
}

void *
arec_thread_slot_take (ArecThreadSlot *slot)
{
    pthread_key_t key;
    void *thing;

    if (!find_key (slot, &key)) {
        return NULL;
    }
    thing = pthread_getspecific (key);
    /* What cannot be taken out stays there, and is not the caller's. */
    return thing && pthread_setspecific (key, NULL) == 0 ? thing : NULL;
}

void
arec_thread_slot_give (ArecThreadSlot *slot, void *thing)
{
    pthread_key_t key;
    void *before;

    if (!thing) {
        return;
    }
    if (!find_key (slot, &key)) {
        slot->release (thing);
        return;
    }
    before = pthread_getspecific (key);
    if (pthread_setspecific (key, thing) != 0) {
        slot->release (thing);
    } else if (before) {
        slot->release (before);
    }
}
