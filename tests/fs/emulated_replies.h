/* A kernel that keeps the errno of each reply, for tests of which caller gets one, and when. */
#pragma once

#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

#include "emulated.h"

#define MAX_UNIQUE 256
#define NO_REPLY 1

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t replied;
    int errors[MAX_UNIQUE]; /* of the reply to each request; NO_REPLY: none yet */
} EmulatedReplies;

/* The replies of the only session. libfuse passes the session's own data, the server, to the
 * functions below. */
static EmulatedReplies *emulated_replies;

static inline void
emulated_replies_init (EmulatedReplies *replies)
{
    pthread_mutex_init (&replies->lock, NULL);
    pthread_cond_init (&replies->replied, NULL);
    for (unsigned i = 0; i < MAX_UNIQUE; i++) {
        replies->errors[i] = NO_REPLY;
    }
}

static inline void
emulated_replies_clear (EmulatedReplies *replies)
{
    pthread_cond_destroy (&replies->replied);
    pthread_mutex_destroy (&replies->lock);
}

static inline ssize_t
emulated_on_reply (int fd, struct iovec *iov, int count, void *data)
{
    EmulatedReplies *replies = emulated_replies;
    const struct fuse_out_header *header = iov[0].iov_base;

    (void)fd, (void)count, (void)data;
    if (header->unique == 0) {
        return header->len; /* what is dropped from the cache, and replies to interrupts */
    }
    pthread_mutex_lock (&replies->lock);
    g_assert_cmpuint (header->unique, <, MAX_UNIQUE);
    g_assert_cmpint (replies->errors[header->unique], ==, NO_REPLY);
    replies->errors[header->unique] = -header->error;
    pthread_cond_broadcast (&replies->replied);
    pthread_mutex_unlock (&replies->lock);
    return header->len;
}

static inline ssize_t
emulated_on_read (int fd, void *buffer, size_t size, void *data)
{
    (void)fd, (void)buffer, (void)size, (void)data;
    g_assert_not_reached();
}

/* One session at a time. fuse_session_destroy (). */
static inline struct fuse_session *
emulated_session_of_replies (const struct fuse_lowlevel_ops *operations, void *data,
                             EmulatedReplies *replies)
{
    static const struct fuse_custom_io io = {.writev = emulated_on_reply,
                                             .read = emulated_on_read};

    emulated_replies = replies;
    return emulated_session (operations, &io, dup (STDERR_FILENO), data);
}

/* NO_REPLY, or an errno, or 0. */
static inline int
emulated_reply_to (EmulatedReplies *replies, uint64_t unique)
{
    int error;

    pthread_mutex_lock (&replies->lock);
    error = replies->errors[unique];
    pthread_mutex_unlock (&replies->lock);
    return error;
}

static inline int
emulated_wait_for_reply (EmulatedReplies *replies, uint64_t unique)
{
    int error;

    pthread_mutex_lock (&replies->lock);
    while (replies->errors[unique] == NO_REPLY) {
        pthread_cond_wait (&replies->replied, &replies->lock);
    }
    error = replies->errors[unique];
    pthread_mutex_unlock (&replies->lock);
    return error;
}

/* Signals the caller of request @unique, which may not have arrived yet. */
static inline void
emulated_interrupt (struct fuse_session *session, uint64_t unique)
{
    struct {
        struct fuse_in_header header;
        struct fuse_interrupt_in interrupt;
    } request = {.header = {.len = sizeof request, .opcode = FUSE_INTERRUPT},
                 .interrupt = {.unique = unique}};
    struct fuse_buf buffer = {.size = sizeof request, .mem = &request};

    fuse_session_process_buf (session, &buffer);
}
