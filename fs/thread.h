/* Threads besides those that serve: signals to the process are not for them. */
#pragma once

#include <pthread.h>
#include <stddef.h>

/* Bytes of a thread's stack: what the deepest calls need several times over. The system's own
 * choice, 8 MiB, would be most of what a process may have where address space is limited. */
#define ARECFS_STACK_SIZE ((size_t)512 * 1024)

/* pthread_create () with a stack of ARECFS_STACK_SIZE. Returns 0 or an errno. */
int arecfs_thread_create (pthread_t *thread, void *(*run) (void *data), void *data);

/* The same with all signals blocked, but for those that tell of a crash. */
int arecfs_thread_start (pthread_t *thread, void *(*run) (void *data), void *data);
