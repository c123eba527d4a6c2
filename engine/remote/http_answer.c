#include "remote/http_answer.h"

#include <string.h>

#define SECOND INT64_C (1000000)

/* ---- values ---- */

static bool
take_number (const char **text, uint64_t *number)
{
    char *end;

    if (!g_ascii_isdigit (**text)) {
        return false;
    }
    *number = g_ascii_strtoull (*text, &end, 10);
    *text = end;
    return *number < UINT64_C (1) << 62; /* so that sums of two fit */
}

static bool
take_text (const char **text, const char *expected)
{
    size_t n = strlen (expected);

    if (strncmp (*text, expected, n) != 0) {
        return false;
    }
    *text += n;
    return true;
}

/* `bytes 0-99/1000`, `bytes 0-99/` and an asterisk, `bytes` an asterisk `/1000`. */
static void
take_content_range (ArecHttpAnswer *answer, const char *value)
{
    uint64_t first = 0, last = 0, total = AREC_HTTP_UNKNOWN;
    bool has_range;

    if (g_ascii_strncasecmp (value, "bytes", 5) != 0) {
        return;
    }
    value += 5;
    value += strspn (value, " =");
    has_range = !take_text (&value, "*");
    if (has_range && (!take_number (&value, &first) || !take_text (&value, "-") ||
                      !take_number (&value, &last) || last < first)) {
        return;
    }
    if (!take_text (&value, "/") ||
        (!take_text (&value, "*") && !take_number (&value, &total)) || *value != '\0' ||
        (has_range && last >= total)) {
        return;
    }
    answer->has_range = has_range;
    answer->begin = first;
    answer->end = has_range ? last + 1 : 0;
    answer->total = total;
}

static void
take_content_length (ArecHttpAnswer *answer, const char *value)
{
    uint64_t length;

    if (take_number (&value, &length) && *value == '\0') {
        answer->length = length;
    }
}

/* Whatever is sent back in a request must be one word of printable bytes. */
static bool
is_etag (const char *value)
{
    size_t n = strlen (value);

    if (n < 2 || value[0] != '"' || value[n - 1] != '"') {
        return false;
    }
    for (size_t i = 1; i < n - 1; i++) {
        unsigned char byte = (unsigned char)value[i];

        if (byte <= ' ' || byte == '"' || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static void
take_etag (ArecHttpAnswer *answer, const char *value)
{
    bool is_weak = g_str_has_prefix (value, "W/");

    if (strlen (value) > AREC_HTTP_MAX_VALIDATOR || !is_etag (value + (is_weak ? 2 : 0))) {
        return;
    }
    g_free (answer->etag);
    answer->etag = g_strdup (value);
    answer->is_weak = is_weak;
}

static void
take_last_modified (ArecHttpAnswer *answer, const char *value)
{
    int64_t seconds;

    if (arec_http_answer_date (value, &seconds)) {
        g_free (answer->last_modified_text);
        answer->last_modified_text = g_strdup (value);
        answer->last_modified = seconds;
    }
}

/* A date is not understood: it depends on two clocks. */
static void
take_retry_after (ArecHttpAnswer *answer, const char *value)
{
    uint64_t seconds;

    if (take_number (&value, &seconds) && *value == '\0') {
        answer->retry_after = (int64_t)MIN (seconds, 86400) * SECOND;
    }
}

static void
take_content_encoding (ArecHttpAnswer *answer, const char *value)
{
    answer->is_encoded = *value != '\0' && g_ascii_strcasecmp (value, "identity") != 0;
}

static void
take_content_type (ArecHttpAnswer *answer, const char *value)
{
    answer->is_multipart = g_ascii_strncasecmp (value, "multipart/byteranges", 20) == 0;
}

static void
take_date (ArecHttpAnswer *answer, const char *value)
{
    int64_t seconds;

    if (arec_http_answer_date (value, &seconds)) {
        answer->date = seconds;
    }
}

static void
take_generation (ArecHttpAnswer *answer, const char *value)
{
    uint64_t generation;

    if (take_number (&value, &generation) && *value == '\0') {
        answer->generation = generation;
    }
}

static void
take_word (char word[AREC_HTTP_MAX_WORD], const char *value)
{
    size_t n = 0;

    while (g_ascii_isalnum (value[n]) || value[n] == '-' || value[n] == '_') {
        n++;
    }
    if (value[n] == '\0' && n < AREC_HTTP_MAX_WORD) {
        memcpy (word, value, n + 1);
    }
}

static void
take_region (ArecHttpAnswer *answer, const char *value)
{
    take_word (answer->region, value);
}

static void
take_storage_class (ArecHttpAnswer *answer, const char *value)
{
    take_word (answer->storage_class, value);
}

/* ---- lines ---- */

static const struct {
    const char *name;
    void (*take) (ArecHttpAnswer *answer, const char *value);
} headers[] = {
    {"content-encoding", take_content_encoding},
    {"content-length", take_content_length},
    {"content-range", take_content_range},
    {"content-type", take_content_type},
    {"date", take_date},
    {"etag", take_etag},
    {"last-modified", take_last_modified},
    {"retry-after", take_retry_after},
    {"x-amz-bucket-region", take_region},
    {"x-amz-storage-class", take_storage_class},
    {"x-goog-generation", take_generation},
};

/* `HTTP/1.1 206 Partial Content`. */
bool
arec_http_answer_begin (ArecHttpAnswer *answer, const char *line, size_t length)
{
    g_autofree char *text = g_strndup (line, length);
    const char *rest = text;
    uint64_t status;

    if (!take_text (&rest, "HTTP/")) {
        return false;
    }
    rest += strcspn (rest, " ");
    rest += strspn (rest, " ");
    arec_http_answer_clear (answer);
    *answer = (ArecHttpAnswer){
        .total = AREC_HTTP_UNKNOWN, .length = AREC_HTTP_UNKNOWN, .retry_after = -1};
    if (take_number (&rest, &status) && status < 1000) {
        answer->status = (unsigned)status;
    }
    return true;
}

void
arec_http_answer_add (ArecHttpAnswer *answer, const char *line, size_t length)
{
    const char *colon = memchr (line, ':', length);
    size_t name_length = colon ? (size_t)(colon - line) : 0;

    for (size_t i = 0; i < G_N_ELEMENTS (headers); i++) {
        if (name_length == strlen (headers[i].name) &&
            g_ascii_strncasecmp (line, headers[i].name, name_length) == 0) {
            g_autofree char *value = g_strndup (colon + 1, length - name_length - 1);

            headers[i].take (answer, g_strstrip (value));
            return;
        }
    }
}

void
arec_http_answer_clear (ArecHttpAnswer *answer)
{
    g_clear_pointer (&answer->etag, g_free);
    g_clear_pointer (&answer->last_modified_text, g_free);
}

/* ---- dates ---- */

static bool
take_two (const char **text, int *number)
{
    if (!g_ascii_isdigit ((*text)[0]) || !g_ascii_isdigit ((*text)[1])) {
        return false;
    }
    *number = ((*text)[0] - '0') * 10 + ((*text)[1] - '0');
    *text += 2;
    return true;
}

static bool
take_month (const char **text, int *month)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++) {
        if (strncmp (*text, names + 3 * (size_t)i, 3) == 0) {
            *month = i + 1;
            *text += 3;
            return true;
        }
    }
    return false;
}

/* By hand, since strptime () follows the locale. */
bool
arec_http_answer_date (const char *text, int64_t *seconds)
{
    const char *rest = strchr (text, ',');
    int day, month, century, year, hour, minute, second;
    g_autoptr (GDateTime) time = NULL;

    if (!rest) {
        return false;
    }
    rest++;
    if (!take_text (&rest, " ") || !take_two (&rest, &day) || !take_text (&rest, " ") ||
        !take_month (&rest, &month) || !take_text (&rest, " ") || !take_two (&rest, &century) ||
        !take_two (&rest, &year) || !take_text (&rest, " ") || !take_two (&rest, &hour) ||
        !take_text (&rest, ":") || !take_two (&rest, &minute) || !take_text (&rest, ":") ||
        !take_two (&rest, &second) || strcmp (rest, " GMT") != 0) {
        return false;
    }
    time =
        g_date_time_new_utc (century * 100 + year, month, day, hour, minute, MIN (second, 59));
    if (!time) {
        return false;
    }
    *seconds = g_date_time_to_unix (time);
    return true;
}
