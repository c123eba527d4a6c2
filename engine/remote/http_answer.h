/* The head of an answer of HTTP, of which only what ranges need is kept. Pure. One thread at a
 * time.
 *
 *     begin (status line) -> add (header line) ...
 *
 * A header that is malformed counts as absent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

/* Bytes of all lines of an answer, those of interim answers before it included. */
#define AREC_HTTP_MAX_HEAD ((size_t)64 << 10)

#define AREC_HTTP_UNKNOWN UINT64_MAX
#define AREC_HTTP_MAX_VALIDATOR 1024
#define AREC_HTTP_MAX_WORD 64 /* with the NUL */

typedef struct {
    unsigned status;
    char *etag; /* as sent, with its quotes and, if weak, `W/`; NULL: none */
    bool is_weak;
    char *last_modified_text; /* as sent; NULL: none */
    int64_t last_modified;    /* seconds since 1970; meaningful with the text */
    /* Content-Range: bytes [begin, end) of @total, which may be unknown. */
    bool has_range;
    uint64_t begin, end;
    uint64_t total;      /* of Content-Range, with `*` for the range, too; or UNKNOWN */
    uint64_t length;     /* Content-Length; or UNKNOWN */
    int64_t retry_after; /* microseconds; negative: none */
    bool is_encoded;     /* Content-Encoding is not `identity` */
    bool is_multipart;
    int64_t date;        /* of the server's clock, seconds since 1970; 0: not said */
    uint64_t generation; /* x-goog-generation of an object of GCS; 0: none */
    /* x-amz-bucket-region, x-amz-storage-class; "": none. Letters, digits, `-` and `_`. */
    char region[AREC_HTTP_MAX_WORD], storage_class[AREC_HTTP_MAX_WORD];
} ArecHttpAnswer;

/* Whether @line, without its end, begins an answer; if so *answer is the new one, and all that
 * it held before is gone. */
bool arec_http_answer_begin (ArecHttpAnswer *answer, const char *line, size_t length);

/* Takes a header line, without its end. */
void arec_http_answer_add (ArecHttpAnswer *answer, const char *line, size_t length);

void arec_http_answer_clear (ArecHttpAnswer *answer); /* takes a zeroed one */

/* A date of HTTP, `Sun, 06 Nov 1994 08:49:37 GMT`, as seconds since 1970. */
bool arec_http_answer_date (const char *text, int64_t *seconds);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ArecHttpAnswer, arec_http_answer_clear)
