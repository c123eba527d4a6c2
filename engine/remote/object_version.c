#include "remote/object_version.h"

#include <string.h>
#include <time.h>

void
arec_object_version_clear (ArecObjectVersion *version)
{
    g_clear_pointer (&version->etag, g_free);
    g_clear_pointer (&version->last_modified_text, g_free);
}

void
arec_object_version_copy (const ArecObjectVersion *version, ArecObjectVersion *copy)
{
    *copy = *version;
    copy->etag = g_strdup (version->etag);
    copy->last_modified_text = g_strdup (version->last_modified_text);
}

void
arec_object_version_of (const ArecHttpAnswer *answer, uint64_t size, ArecObjectVersion *version)
{
    *version = (ArecObjectVersion){
        .size = size,
        .etag = answer->is_weak ? NULL : g_strdup (answer->etag),
        .last_modified_text = g_strdup (answer->last_modified_text),
        .last_modified = answer->last_modified,
        .generation = answer->generation,
    };
}

bool
arec_object_version_is_bare (const ArecObjectVersion *version)
{
    return !version->etag && !version->last_modified_text && version->generation == 0;
}

/* ---- validators ---- */

typedef enum { SAME, OTHER, UNKNOWN } Likeness;

/* A weak ETag says nothing about bytes. A strong one outweighs the time, which some servers
 * make up for each answer. */
static Likeness
compare_validators (const ArecObjectVersion *pinned, const ArecHttpAnswer *answer)
{
    if (pinned->generation != 0 && answer->generation != 0) {
        return pinned->generation == answer->generation ? SAME : OTHER;
    }
    if (pinned->etag && answer->etag && !answer->is_weak) {
        return strcmp (pinned->etag, answer->etag) == 0 ? SAME : OTHER;
    }
    if (pinned->last_modified_text && answer->last_modified_text) {
        return pinned->last_modified == answer->last_modified ? SAME : OTHER;
    }
    return UNKNOWN;
}

bool
arec_object_version_is_confirmed (const ArecObjectVersion *version,
                                  const ArecHttpAnswer *answer)
{
    if (answer->status != 304 || (version->etag && (!answer->etag || answer->is_weak))) {
        return false;
    }
    return compare_validators (version, answer) == SAME;
}

char *
arec_object_version_date (int64_t seconds)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const time_t at = (time_t)seconds;
    struct tm parts = {0};

    gmtime_r (&at, &parts);
    return g_strdup_printf ("%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday],
                            parts.tm_mday, months[parts.tm_mon], 1900 + parts.tm_year,
                            parts.tm_hour, parts.tm_min, parts.tm_sec);
}

/* The size of the whole as the head has it; or UNKNOWN. */
static uint64_t
total_of (const ArecHttpAnswer *answer)
{
    return answer->status == 200 && !answer->has_range ? answer->length : answer->total;
}

/* Another size with the same validator is a mistake of the server; without any validator it is
 * the only sign of a change. */
static ArecBodyVerdict
judge_version (const ArecObjectVersion *pinned, const ArecHttpAnswer *answer)
{
    Likeness likeness = compare_validators (pinned, answer);
    uint64_t total = total_of (answer);

    if (likeness == OTHER) {
        return AREC_BODY_CHANGED;
    }
    if (total != AREC_HTTP_UNKNOWN && total != pinned->size) {
        return likeness == SAME ? AREC_BODY_WRONG : AREC_BODY_CHANGED;
    }
    return AREC_BODY_TAKE;
}

/* ---- ranges ---- */

/* Whether the range of the head is that of @asked. That of a suffix depends on the size; that
 * of an object whose size is not known for sure may end sooner, with the object. */
static bool
is_asked (const ArecObjectVersion *pinned, const ArecRangeRequest *asked,
          const ArecHttpAnswer *answer)
{
    uint64_t end = asked->span.end;

    if (!answer->has_range) {
        return false;
    }
    if (asked->is_suffix) {
        return answer->total != AREC_HTTP_UNKNOWN && answer->end == answer->total &&
               answer->begin == answer->total - MIN (asked->span.end, answer->total);
    }
    if (!pinned && answer->total != AREC_HTTP_UNKNOWN) {
        end = MIN (end, answer->total);
    }
    return answer->begin == asked->span.begin && answer->end == end;
}

/* Whether the whole object is what was asked for. Of an object whose size is not known yet, a
 * suffix that is as long as all of it is. */
static bool
is_all_asked (const ArecObjectVersion *pinned, const ArecRangeRequest *asked,
              const ArecHttpAnswer *answer)
{
    if (asked->is_suffix) {
        return answer->length != AREC_HTTP_UNKNOWN && answer->length <= asked->span.end;
    }
    return pinned && asked->span.begin == 0 && asked->span.end == pinned->size;
}

static ArecBodyVerdict
judge_range (const ArecObjectVersion *pinned, const ArecRangeRequest *asked,
             const ArecHttpAnswer *answer, ArecRange *span)
{
    if (answer->is_multipart) {
        return AREC_BODY_WRONG;
    }
    if ((answer->status == 200 || answer->status == 206) && is_asked (pinned, asked, answer)) {
        *span = (ArecRange){answer->begin, answer->end};
        return AREC_BODY_TAKE;
    }
    if (answer->status != 200 || answer->has_range) {
        return AREC_BODY_WRONG;
    }
    if (is_all_asked (pinned, asked, answer)) {
        *span = (ArecRange){0, asked->is_suffix ? answer->length : asked->span.end};
        return AREC_BODY_TAKE;
    }
    return AREC_BODY_WHOLE;
}

ArecBodyVerdict
arec_object_version_judge (const ArecObjectVersion *pinned, const ArecRangeRequest *asked,
                           const ArecHttpAnswer *answer, ArecRange *span)
{
    ArecBodyVerdict verdict = AREC_BODY_TAKE;

    if (answer->status < 200 || answer->status > 299) {
        return AREC_BODY_STATUS;
    }
    if (pinned) {
        verdict = judge_version (pinned, answer);
    }
    if (verdict != AREC_BODY_TAKE) {
        return verdict;
    }
    if (answer->is_encoded) {
        return AREC_BODY_ENCODED;
    }
    return judge_range (pinned, asked, answer, span);
}
