/* A thing that its thread keeps for the next use, and that goes with the thread: one for each
 * thread and slot.
 *
 *     thing = arec_thread_slot_take (&slot);       NULL: make one
 *     ... arec_thread_slot_give (&slot, thing);
 *
 * Thread-safe, without a lock. The system has few slots for the threads of a process. Where it
 * has none left, or no memory, nothing is kept: what is given is released.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Static; initialise with AREC_THREAD_SLOT. */
typedef struct {
    void (*release) (void *thing); /* any thread, also at its end */
    _Atomic uint64_t key;          /* the system's number for it, and one; 0: none yet */
} ArecThreadSlot;

#define AREC_THREAD_SLOT(release_)                                                             \
    {                                                                                          \
        .release = (release_)                                                                  \
    }

/* What this thread keeps, which it does not keep any more; NULL: nothing. */
void *arec_thread_slot_take (ArecThreadSlot *slot);

/* Keeps @thing in place of what is kept, which is released. Takes NULL. */
void arec_thread_slot_give (ArecThreadSlot *slot, void *thing);

/* What this thread keeps and goes on to keep; NULL: nothing. */
void *arec_thread_slot_peek (ArecThreadSlot *slot);
