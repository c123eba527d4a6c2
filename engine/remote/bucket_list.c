#include "remote/bucket_list.h"

#include <string.h>

#include "base/error.h"
#include "remote/list_page.h"

/* Pages beyond one for each object: some servers give empty ones in between. */
#define MAX_EMPTY_PAGES 1000
/* How often a page is asked for that is an error of the server with a status of success. */
#define MAX_TRIES 3

/* `continuation-token`, `delimiter`, `encoding-type`, `list-type`, `prefix`. */
#define MAX_PARAMETERS 5

typedef struct {
    const ArecBucketPages *pages;
    const ArecBucketWish *wish;
    ArecObjectList *list;
    ArecObjectList *of_page;
    ArecBuffer text; /* of the page */
    char *shown;     /* the URL, for messages */
    char *prefix;
    char *token;         /* of the page that is asked for next; NULL: of the first */
    char *earlier;       /* one of before: if it comes again, the pages go in a circle */
    size_t earlier_page; /* its number */
    size_t n_pages, n_objects, n_left_out;
} Listing;

/* ---- asking ---- */

static size_t
write_s3 (const Listing *listing, ArecS3Parameter parameters[MAX_PARAMETERS])
{
    size_t n = 0;

    if (listing->token) {
        parameters[n++] = (ArecS3Parameter){"continuation-token", listing->token};
    }
    if (listing->wish->is_flat) {
        parameters[n++] = (ArecS3Parameter){"delimiter", "/"};
    }
    /* A page of XML cannot hold each byte of a key otherwise. */
    parameters[n++] = (ArecS3Parameter){"encoding-type", "url"};
    parameters[n++] = (ArecS3Parameter){"list-type", "2"};
    parameters[n++] = (ArecS3Parameter){"prefix", listing->prefix};
    return n;
}

static size_t
write_gcs (const Listing *listing, ArecS3Parameter parameters[MAX_PARAMETERS])
{
    size_t n = 0;

    if (listing->wish->is_flat) {
        parameters[n++] = (ArecS3Parameter){"delimiter", "/"};
    }
    parameters[n++] =
        (ArecS3Parameter){"fields", "items(name,size,etag,generation,updated),nextPageToken"};
    if (listing->token) {
        parameters[n++] = (ArecS3Parameter){"pageToken", listing->token};
    }
    parameters[n++] = (ArecS3Parameter){"prefix", listing->prefix};
    return n;
}

static const struct {
    size_t (*write) (const Listing *listing, ArecS3Parameter parameters[MAX_PARAMETERS]);
    bool (*parse) (const char *text, size_t size, ArecObjectList *list, ArecListPage *page,
                   GError **error);
} kinds[] = {
    [AREC_URL_S3] = {write_s3, arec_list_page_parse_s3},
    [AREC_URL_GS] = {write_gcs, arec_list_page_parse_gcs},
};

/* Asks for the next page; its text replaces that of the one before. */
static bool
get_page (Listing *listing, GError **error)
{
    const ArecUrl *url = listing->wish->url;
    const ArecCancel *cancel = listing->wish->cancel;
    ArecS3Parameter parameters[MAX_PARAMETERS];
    size_t n = kinds[url->scheme].write (listing, parameters);

    if (arec_cancel_is_set (cancel)) {
        return arec_fail (error, AREC_ERROR_CANCELLED, "%s: cancelled", listing->shown);
    }
    listing->text.size = 0;
    return listing->pages->get (listing->pages->data, url, parameters, n, cancel,
                                &listing->text, error);
}

/* ---- a page ---- */

static bool
parse_page (Listing *listing, ArecListPage *page, GError **error)
{
    const ArecUrl *url = listing->wish->url;

    arec_object_list_clear (listing->of_page);
    if (kinds[url->scheme].parse ((const char *)listing->text.data, listing->text.size,
                                  listing->of_page, page, error)) {
        return true;
    }
    g_prefix_error (error, "%s: ", listing->shown);
    return false;
}

/* Whether the page is an error of S3, which may come with a status of success. *error becomes
 * what it says. */
static bool
take_fault (const Listing *listing, bool *is_worth_another, GError **error)
{
    static const char *const passing[] = {"InternalError", "RequestTimeout",
                                          "ServiceUnavailable", "SlowDown", NULL};
    ArecS3Fault fault;

    if (!arec_s3_fault_parse ((const char *)listing->text.data, listing->text.size, &fault)) {
        return false;
    }
    *is_worth_another = g_strv_contains (passing, fault.code);
    g_clear_error (error);
    arec_fail (error, AREC_ERROR_IO, "%s: the server gives no listing: %s: %s", listing->shown,
               fault.code, fault.message);
    return true;
}

/* Gets and parses the next page. */
static bool
take_page (Listing *listing, ArecListPage *page, GError **error)
{
    bool is_worth_another = true;

    for (unsigned n = 1; is_worth_another; n++) {
        g_autoptr (GError) fault = NULL;

        if (!get_page (listing, error)) {
            return false;
        }
        if (parse_page (listing, page, &fault)) {
            return true;
        }
        is_worth_another = take_fault (listing, &is_worth_another, &fault) &&
                           is_worth_another && n < MAX_TRIES;
        if (!is_worth_another) {
            g_propagate_error (error, g_steal_pointer (&fault));
        }
    }
    return false;
}

/* Keeps what is wanted of the page. */
static bool
keep_objects (Listing *listing, GError **error)
{
    const ArecBucketWish *wish = listing->wish;
    size_t length = wish->url->prefix;

    for (size_t i = 0; i < arec_object_list_n (listing->of_page); i++) {
        const ArecListedObject object = arec_object_list_get (listing->of_page, i);

        /* A server may give what was not asked for. */
        if (strncmp (object.key, listing->prefix, length) == 0 &&
            wish->takes (wish->data, &object) &&
            !arec_object_list_add (listing->list, &object, error)) {
            g_prefix_error (error, "%s: ", listing->shown);
            return false;
        }
    }
    return true;
}

/* ---- to the end ---- */

/* Whether the page after the present one may be asked for with @next. Every circle is found: a
 * token is kept for as many pages as came before it. */
static bool
check_token (Listing *listing, const char *next, GError **error)
{
    if (g_strcmp0 (next, listing->token) == 0 || g_strcmp0 (next, listing->earlier) == 0) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "%s: the listing goes in a circle: a page repeats its token",
                          listing->shown);
    }
    if (listing->n_pages >= 2 * listing->earlier_page) {
        g_free (listing->earlier);
        listing->earlier = g_strdup (next);
        listing->earlier_page = listing->n_pages;
    }
    return true;
}

static bool
check_limits (const Listing *listing, GError **error)
{
    if (listing->n_objects > AREC_OBJECT_LIST_MAX) {
        return arec_fail (error, AREC_ERROR_LIMIT, "%s: the listing has more than %zu objects",
                          listing->shown, AREC_OBJECT_LIST_MAX);
    }
    return listing->n_pages <= listing->n_objects + MAX_EMPTY_PAGES ||
           arec_fail (error, AREC_ERROR_CORRUPT,
                      "%s: the listing does not end: %zu pages hold %zu objects",
                      listing->shown, listing->n_pages, listing->n_objects);
}

/* *is_over (out): it was the last one. */
static bool
read_page (Listing *listing, bool *is_over, GError **error)
{
    g_auto (ArecListPage) page = {0};

    if (!take_page (listing, &page, error) || !keep_objects (listing, error)) {
        return false;
    }
    listing->n_pages++;
    listing->n_objects += page.n_objects;
    listing->n_left_out += page.n_left_out;
    *is_over = page.next == NULL;
    if (*is_over) {
        return true;
    }
    if (!check_token (listing, page.next, error) || !check_limits (listing, error)) {
        return false;
    }
    g_free (listing->token);
    listing->token = g_steal_pointer (&page.next);
    return true;
}

bool
arec_bucket_list (const ArecBucketPages *pages, const ArecBucketWish *wish,
                  ArecObjectList *list, size_t *n_left_out, GError **error)
{
    Listing listing = {.pages = pages,
                       .wish = wish,
                       .list = list,
                       .of_page = arec_object_list_new(),
                       .shown = arec_url_shown (wish->url),
                       .prefix = g_strndup (wish->url->key, wish->url->prefix)};
    bool is_over = false, ok = true;

    while (ok && !is_over) {
        ok = read_page (&listing, &is_over, error);
    }
    if (ok) {
        arec_object_list_sort (list);
        *n_left_out = listing.n_left_out;
    }
    arec_object_list_free (listing.of_page);
    arec_buffer_clear (&listing.text);
    g_free (listing.shown);
    g_free (listing.prefix);
    g_free (listing.token);
    g_free (listing.earlier);
    return ok;
}
