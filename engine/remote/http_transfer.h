/* One try of a request: its handle of libcurl, the head of the answer, and the way of the body
 * into the buffer. Only the client's thread.
 *
 *     new -> the multi handle works on it -> ended -> redirect: again | outcome -> free
 *
 * Redirects are followed here, not by libcurl, since a target may be refused for what it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "remote/curl_library.h"
#include "remote/http_request.h"
#include "remote/rate.h"
#include "remote/stall.h"

#define AREC_HTTP_MAX_REDIRECTS 5

typedef struct ArecHttpTransfer {
    const ArecCurl *curl;
    ArecHttpRequest *request;
    CURL *easy;
    struct curl_slist *headers;
    char *url; /* of this hop: a secret */
    unsigned n_redirects;
    bool is_redirected;  /* here, or by an earlier request */
    bool is_from_public; /* a host at a public address redirected here */
    ArecRate *rate;      /* of the host */
    ArecRateMark mark;

    ArecHttpAnswer answer;
    size_t head_size;
    bool is_judged; /* the head is complete */
    ArecBodyVerdict verdict;
    uint64_t arrived; /* bytes of the body */

    int64_t begun, sent, first_byte; /* 0: not yet */
    ArecBodyWatch watch;
    bool is_stalled;
    bool is_hedge;       /* begun while another one was under way */
    const char *refusal; /* by a rule of ours; NULL: none */
    char error[CURL_ERROR_SIZE];
} ArecHttpTransfer;

/* @share  of TLS sessions. NULL: out of memory. */
ArecHttpTransfer *arec_http_transfer_new (const ArecCurl *curl, CURLSH *share, ArecRate *rate,
                                          ArecHttpRequest *request);
void arec_http_transfer_free (ArecHttpTransfer *transfer);

/* Whether the try has waited long enough at @now.
 * @first_byte_limit  that of the host. */
bool arec_http_transfer_is_late (ArecHttpTransfer *transfer, int64_t now,
                                 int64_t first_byte_limit);

/* After it ended: whether it goes on at another URL, which the handle is set up for. */
bool arec_http_transfer_follow (ArecHttpTransfer *transfer);

/* What came of it.
 * @code  with which libcurl ended it. */
ArecTry arec_http_transfer_outcome (const ArecHttpTransfer *transfer, CURLcode code);

/* The same for a message. Returns (transfer full). */
char *arec_http_transfer_text (const ArecHttpTransfer *transfer, const ArecTry *outcome,
                               CURLcode code);
