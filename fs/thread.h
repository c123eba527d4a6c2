/* Threads besides those that serve: signals to the process are not for them. */
#pragma once

#include <pthread.h>

/* pthread_create () with all signals blocked, but for those that tell of a crash. Returns 0 or
 * an errno. */
int arecfs_thread_start (pthread_t *thread, void *(*run) (void *data), void *data);
