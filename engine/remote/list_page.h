/* One page of a listing, as a server sends it, and the XML of S3's errors. Pure, any thread;
 * the bytes are hostile.
 *
 * S3: ListObjectsV2, asked with `encoding-type=url`, or without. GCS: the list of its JSON API.
 * What is not understood is left out, as servers add to both.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "remote/object_list.h"

/* Bytes of a page, and levels of its elements: more is an error. */
#define AREC_LIST_PAGE_MAX_SIZE ((size_t)16 << 20)
#define AREC_LIST_PAGE_MAX_DEPTH 8
#define AREC_LIST_PAGE_MAX_TOKEN 4096

typedef struct {
    char *next;        /* what asks for the next page; NULL: this was the last one. Owned */
    size_t n_objects;  /* that were added */
    size_t n_left_out; /* keys that are empty, too long, or hold a NUL */
} ArecListPage;

/* Adds the objects of the page @text to @list.
 * @page  (out) arec_list_page_clear (); nothing to clear after a failure.
 * Errors: CORRUPT, it is no such page (a message without name); LIMIT, NOMEM. After a failure
 * @list holds some of its objects. */
bool arec_list_page_parse_s3 (const char *text, size_t size, ArecObjectList *list,
                              ArecListPage *page, GError **error);
bool arec_list_page_parse_gcs (const char *text, size_t size, ArecObjectList *list,
                               ArecListPage *page, GError **error);

void arec_list_page_clear (ArecListPage *page); /* takes a zeroed one */

/* What an error of S3 says, cut off and without unprintable characters. It may be shown. */
typedef struct {
    char code[64]; /* `NoSuchKey`; "": none */
    char message[201];
    char region[64];        /* where the bucket is, if the answer tells */
    char storage_class[64]; /* of the object, likewise */
} ArecS3Fault;

/* @text  the body of an answer, perhaps cut off; anything. false: it is no error of S3. */
bool arec_s3_fault_parse (const char *text, size_t size, ArecS3Fault *fault);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecListPage, arec_list_page_clear)
