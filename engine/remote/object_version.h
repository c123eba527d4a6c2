/* Which version of an object an answer is about, and whether its body may be taken. Pure. Any
 * thread.
 *
 *     first answer   -> version: size, generation, strong ETag or Last-Modified
 *     further ones   -> head + version + what was asked -> verdict
 *
 * Many servers ignore `If-Match`, so the head of every answer is compared: no byte is taken of
 * a body whose head does not prove that it is of this version and of the range that was asked
 * for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "remote/http_answer.h"
#include "remote/range_plan.h"

typedef struct {
    uint64_t size;            /* bytes */
    char *etag;               /* a strong one; NULL: none */
    char *last_modified_text; /* as sent; NULL: none */
    int64_t last_modified;    /* seconds since 1970; meaningful with the text */
    uint64_t generation;      /* of an object of GCS, which counts first; 0: none */
} ArecObjectVersion;

void arec_object_version_clear (ArecObjectVersion *version); /* takes a zeroed one */

/* @copy  (out) clear it. */
void arec_object_version_copy (const ArecObjectVersion *version, ArecObjectVersion *copy);

/* The version that @answer with a body of which @size is the whole is about.
 * @version  (out) clear it. */
void arec_object_version_of (const ArecHttpAnswer *answer, uint64_t size,
                             ArecObjectVersion *version);

/* Whether it has no validator: only the size tells of a change. */
bool arec_object_version_is_bare (const ArecObjectVersion *version);

/* Whether @answer says that the object still is @version: 304 with the validator that was sent.
 * A server that compares less strictly than it should, by weak ETags or by which time is later,
 * sends another. */
bool arec_object_version_is_confirmed (const ArecObjectVersion *version,
                                       const ArecHttpAnswer *answer);

/* @seconds since 1970 as headers have them: `Sun, 06 Nov 1994 08:49:37 GMT`. (transfer full) */
char *arec_object_version_date (int64_t seconds);

typedef enum {
    AREC_BODY_TAKE,    /* its bytes are those of the span */
    AREC_BODY_STATUS,  /* it is not of the object: its status says what to do */
    AREC_BODY_WRONG,   /* it is not the range that was asked for */
    AREC_BODY_WHOLE,   /* the object from its first byte on: this server gives no ranges */
    AREC_BODY_ENCODED, /* compressed: its bytes are not those of the object */
    AREC_BODY_CHANGED, /* of another version */
} ArecBodyVerdict;

/* @pinned  the version that is read; NULL: it is not known yet.
 * @asked   of a suffix: at most so many bytes are taken.
 * @span    (out) with TAKE: where in the object the bytes of the body lie; maybe empty. */
ArecBodyVerdict arec_object_version_judge (const ArecObjectVersion *pinned,
                                           const ArecRangeRequest *asked,
                                           const ArecHttpAnswer *answer, ArecRange *span);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecObjectVersion, arec_object_version_clear)
