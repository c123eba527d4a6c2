/* A bucket in memory, listed in pages as S3 and GCS write them, and as they should not. */
#pragma once

#include <arec/error.h>

#include "remote/bucket_list.h"

typedef struct {
    const char *const *keys; /* n of them, sorted; key i has the size 100 + i */
    size_t n;
    /* Instead of @keys: key number @i, in @room bytes. */
    void (*write_key) (size_t i, char *key, size_t room);
    size_t page_size;
    const char *const *tokens; /* of the pages, NULL-terminated, instead of right ones */
    const char *text;          /* each page, instead of right ones */
    ArecError failure;         /* of the page number fails_at, from 1 */
    size_t fails_at;
    ArecCancel *cancel; /* set when page number cancels_at is asked for, from 1 */
    size_t cancels_at;
    bool never_ends; /* pages without objects, each with a new token */

    size_t n_pages; /* that were asked for */
    char *last;     /* parameters of the last one: `NAME=VALUE&` for each */
} TestBucket;

/* Gives its pages. */
ArecBucketPages test_bucket_pages (TestBucket *bucket);

/* Frees what it has of its own, and forgets what was asked. */
void test_bucket_reset (TestBucket *bucket);
