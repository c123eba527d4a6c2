/* Pages of listings, as XML and as JSON, and errors of S3.
 *
 * - No bytes crash a parser, or make it take more than a multiple of their size.
 * - A refusal is CORRUPT, with a short message.
 * - Each key that was taken is one that a bucket can have. A page goes on with a token or ends.
 * - What an error says is short and printable.
 *
 * Input: which parser; the text.
 */
#include <string.h>

#include <arec/error.h>

#include "fuzz.h"
#include "remote/list_page.h"
#include "remote/url.h"

#define MAX_MESSAGE 300

static void
check_list (const ArecObjectList *list, const ArecListPage *page)
{
    g_assert_cmpuint (arec_object_list_n (list), ==, page->n_objects);
    for (size_t i = 0; i < page->n_objects; i++) {
        ArecListedObject object = arec_object_list_get (list, i);

        g_assert_true (object.key[0] && strlen (object.key) <= AREC_URL_MAX_KEY);
    }
    g_assert_true (!page->next ||
                   (page->next[0] && strlen (page->next) <= AREC_LIST_PAGE_MAX_TOKEN));
}

static void
try_page (bool is_json, const char *text, size_t size)
{
    g_autoptr (ArecObjectList) list = arec_object_list_new();
    g_auto (ArecListPage) page = {0};
    g_autoptr (GError) error = NULL;
    bool ok = is_json ? arec_list_page_parse_gcs (text, size, list, &page, &error)
                      : arec_list_page_parse_s3 (text, size, list, &page, &error);

    if (!ok) {
        g_assert_error (error, AREC_ERROR, AREC_ERROR_CORRUPT);
        g_assert_cmpuint (strlen (error->message), <=, MAX_MESSAGE);
        g_assert_null (page.next);
        return;
    }
    check_list (list, &page);
    arec_object_list_sort (list);
    for (size_t i = 1; i < arec_object_list_n (list); i++) {
        const char *before = arec_object_list_get (list, i - 1).key;

        g_assert_cmpint (strcmp (before, arec_object_list_get (list, i).key), <, 0);
    }
}

static void
try_fault (const char *text, size_t size)
{
    ArecS3Fault fault;

    if (arec_s3_fault_parse (text, size, &fault)) {
        const char *const parts[] = {fault.code, fault.message, fault.region};

        for (size_t i = 0; i < G_N_ELEMENTS (parts); i++) {
            for (const char *at = parts[i]; *at; at++) {
                g_assert_true (g_ascii_isprint (*at));
            }
        }
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes input = arec_bytes (data, size);
    uint8_t parser = fuzz_take_u8 (&input) % 3;
    const char *text = (const char *)input.at;
    size_t length = arec_bytes_left (&input);

    fuzz_memory_bound (((size_t)1 << 20) + 64 * size);
    if (parser == 2) {
        try_fault (text, length);
    } else {
        try_page (parser == 1, text, length);
    }
    fuzz_memory_unbound();
    return 0;
}
