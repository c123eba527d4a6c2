/* The objects of a listing, in the order in which its pages give them.
 *
 * One thread at a time. Memory: 40 bytes an object and its key and ETag.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* More objects are an error: as many files as a tree has room for. */
#define AREC_OBJECT_LIST_MAX ((size_t)10 * 1000 * 1000)

typedef struct {
    const char *key;     /* bytes as the server has them, no NUL; at most AREC_URL_MAX_KEY */
    const char *etag;    /* S3: with its quotes; "": none */
    uint64_t size;       /* bytes */
    uint64_t generation; /* of an object of GCS; 0: none */
    int64_t modified;    /* seconds since 1970; 0: not said */
} ArecListedObject;

typedef struct ArecObjectList ArecObjectList;

ArecObjectList *arec_object_list_new (void);
void arec_object_list_free (ArecObjectList *list); /* takes NULL */

/* Copies @object. Errors: LIMIT, above AREC_OBJECT_LIST_MAX; NOMEM. */
bool arec_object_list_add (ArecObjectList *list, const ArecListedObject *object,
                           GError **error);

/* Drops all objects, and keeps the memory for others. */
void arec_object_list_clear (ArecObjectList *list);

size_t arec_object_list_n (const ArecObjectList *list);

/* @i in [0, n). What it points to is the list's, until the next object is added. */
ArecListedObject arec_object_list_get (const ArecObjectList *list, size_t i);

/* By key, bytewise; keys that are there twice keep the later one. */
void arec_object_list_sort (ArecObjectList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecObjectList, arec_object_list_free)
