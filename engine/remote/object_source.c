#include "remote/object_source.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mix.h"
#include "base/phases.h"
#include "remote/object_opening.h"
#include "remote/purchase.h"

/* Bytes of one read that are under way at the same time: each takes memory twice. */
#define MAX_AT_ONCE (UINT64_C (64) << 20)

/* What was read of the kept end is noted in pieces of this size. */
#define PIECE 1024

/* Ranges of an object that are known to have been asked for. An object that was asked for in
 * more pieces is not bought. */
#define MAX_FETCHED 4096

/* Bytes of what is bought that are under way at the same time, at least: as much as fills most
 * lines. */
#define MIN_BUYING (UINT64_C (4) << 20)

/* A request under way, or one that its readers still copy from, or that waits for its first. */
typedef struct {
    ArecRange span;
    ArecHttpRequest *request;
    unsigned n_readers;
    bool is_ahead;    /* made before a reader asked: kept until it was read */
    bool is_bought;   /* ahead, since random reads have waited for long */
    bool has_failed;  /* of one that is ahead: readers ask anew */
    uint8_t *is_read; /* of one that is ahead: for each PIECE, whether it was read to its end */
    size_t n_pieces;  /* without a last one that is not whole */
    size_t n_unread;  /* of these */
} Part;

typedef struct {
    ArecSource base;
    ArecHttpClient *client;
    ArecHttpTarget *target;
    ArecObjectVersion version;
    bool is_whole; /* the kept bytes are all, of a server that gives no ranges */

    pthread_mutex_t lock; /* of what follows */
    GPtrArray *parts; /* of Part; those that are ahead in the order in which they were made */
    ArecHttpRequest *kept; /* whose bytes came with the opening; NULL: none, or dropped */
    uint8_t *is_read;      /* for each PIECE of these, whether it was read to its end */
    size_t n_pieces;       /* that a reader of the file comes to, from the front on */
    size_t n_unread;       /* of these */
    ArecPurchase purchase;
    GArray *fetched;         /* of ArecRange: what was asked for so far */
    uint64_t n_fetched;      /* bytes of these */
    ArecHttpRequest *sample; /* NULL: not asked for yet */
    bool is_buying;          /* the rest of the object is fetched */
    bool is_settled;         /* nothing more is to be bought */
} ObjectSource;

static ArecRemoteCounters *
counters_of (const ObjectSource *object)
{
    return arec_http_client_counters (object->client);
}

/* ---- one read ---- */

/* A part of the caller's vector. */
typedef struct {
    ObjectSource *object;
    struct iovec *iov;
    int n_iov;
    uint64_t offset; /* in the object, of the first byte of the vector */
    ArecRange span;  /* that is read now */
} Read;

static ArecRange
intersection (ArecRange a, ArecRange b)
{
    ArecRange both = {MAX (a.begin, b.begin), MIN (a.end, b.end)};

    return both.begin < both.end ? both : (ArecRange){0, 0};
}

static bool
is_empty (ArecRange span)
{
    return span.begin >= span.end;
}

/* Copies @span of the object from @bytes, which begin at @begin. */
static void
copy_out (const Read *read, ArecRange span, const uint8_t *bytes, uint64_t begin)
{
    uint64_t at = read->offset;

    for (int i = 0; i < read->n_iov && at < span.end; i++) {
        const struct iovec *iov = &read->iov[i];
        const ArecRange here = intersection (span, (ArecRange){at, at + iov->iov_len});

        if (!is_empty (here)) {
            memcpy ((uint8_t *)iov->iov_base + (here.begin - at), bytes + (here.begin - begin),
                    here.end - here.begin);
        }
        at += iov->iov_len;
    }
}

/* ---- the end of the file that came with the opening ---- */

static void
drop_kept_locked (ObjectSource *object)
{
    if (object->kept) {
        arec_http_client_charge (object->client, -(int64_t)object->kept->capacity);
    }
    g_clear_pointer (&object->kept, arec_http_request_unref);
    g_clear_pointer (&object->is_read, g_free);
}

static void
note_read_locked (ObjectSource *object, ArecRange here, uint64_t begin)
{
    for (uint64_t i = (here.begin - begin) / PIECE; i <= (here.end - 1 - begin) / PIECE; i++) {
        uint64_t end = MIN (begin + (i + 1) * PIECE, object->kept->result.span.end);

        if (i < object->n_pieces && here.end >= end && !object->is_read[i]) {
            object->is_read[i] = 1;
            object->n_unread--;
        }
    }
    object->kept->n_read = (object->n_pieces - object->n_unread) * PIECE;
    if (object->n_unread == 0 && !object->is_whole &&
        arec_http_client_charge (object->client, 0) > AREC_HTTP_MAX_KEPT) {
        drop_kept_locked (object);
    }
}

/* Copies what it holds. @here  (out) its span; empty: nothing. */
static void
read_kept_locked (const Read *read, ArecRange *here)
{
    ObjectSource *object = read->object;
    const ArecHttpResult *result = object->kept ? &object->kept->result : NULL;

    *here = result ? intersection (read->span, result->span) : (ArecRange){0, 0};
    if (!is_empty (*here)) {
        copy_out (read, *here, object->kept->buffer, result->span.begin);
        note_read_locked (object, *here, result->span.begin);
    }
}

/* The bytes after the postscript are padding that no reader asks for: they do not count. */
static void
keep (ObjectSource *object, const ArecObjectOpening *came)
{
    ArecHttpRequest *request = came->request;
    const ArecRange *span = &request->result.span;
    uint64_t opening = arec_range_plan_opening (object->version.size).span.end;
    uint64_t length = span->end - span->begin;

    if (length == 0) {
        return;
    }
    object->kept = arec_http_request_ref (request);
    g_array_append_val (object->fetched, *span);
    object->n_fetched = length;
    arec_http_client_charge (object->client, (int64_t)request->capacity);
    object->is_whole = came->is_whole;
    object->is_read = g_malloc0 ((length + PIECE - 1) / PIECE);
    object->n_pieces = (CLAMP (opening, span->begin, span->end) - span->begin) / PIECE;
    object->n_unread = object->n_pieces;
}

/* ---- parts ---- */

static void
free_part (void *data)
{
    Part *part = data;

    arec_http_request_unref (part->request);
    g_free (part->is_read);
    g_free (part);
}

static void
note_part_read (Part *part, ArecRange here)
{
    size_t first = (here.begin - part->span.begin) / PIECE;
    size_t end = here.end == part->span.end ? part->n_pieces
                                            : (size_t)((here.end - part->span.begin) / PIECE);

    for (size_t i = first; i < MIN (end, part->n_pieces); i++) {
        part->n_unread -= !part->is_read[i];
        part->is_read[i] = 1;
    }
    if (part->is_ahead) {
        part->request->n_read = part->n_unread > 0 ? (part->n_pieces - part->n_unread) * PIECE
                                                   : part->span.end - part->span.begin;
    }
}

/* Whether the reader of @mine will wait for what was not asked for ahead of it. */
static bool
is_random (const GPtrArray *mine)
{
    for (guint i = 0; i < mine->len; i++) {
        const Part *part = g_ptr_array_index (mine, i);

        if (part->request->range.urgency == AREC_URGENCY_DEMAND && part->request->ended == 0) {
            return true;
        }
    }
    return false;
}

/* Joins the requests under way for bytes of @read: they are in @mine then. */
static void
join_locked (const Read *read, GPtrArray *mine)
{
    ObjectSource *object = read->object;

    for (guint i = 0; i < object->parts->len; i++) {
        Part *part = g_ptr_array_index (object->parts, i);
        ArecRange here = intersection (read->span, part->span);

        if (!is_empty (here) && !part->has_failed) {
            part->n_readers++;
            note_part_read (part, here);
            g_ptr_array_add (mine, part);
        }
    }
    arec_remote_count (&counters_of (object)->ranges_joined, mine->len);
}

/* Ranges that touch become one. */
static void
unite_fetched_locked (ObjectSource *object)
{
    ArecRange *ranges = (ArecRange *)(void *)object->fetched->data;
    size_t n = arec_range_unite (ranges, object->fetched->len);

    g_array_set_size (object->fetched, (guint)n);
    object->n_fetched = 0;
    for (size_t i = 0; i < n; i++) {
        object->n_fetched += ranges[i].end - ranges[i].begin;
    }
}

/* @span will be asked for, or was. */
static void
note_fetched_locked (ObjectSource *object, ArecRange span)
{
    if (object->is_settled) {
        return;
    }
    if (object->fetched->len == MAX_FETCHED || object->n_fetched >= object->base.size) {
        unite_fetched_locked (object);
        object->is_settled = object->fetched->len > MAX_FETCHED / 2;
    }
    /* Counts again what is asked for again, until ranges are united. */
    g_array_append_val (object->fetched, span);
    object->n_fetched += span.end - span.begin;
}

/* A part of @object that is not asked for yet; NULL: out of memory. */
static Part *
new_part_locked (ObjectSource *object, const ArecRangeRequest *range)
{
    ArecHttpRequest *request = arec_http_request_new (
        object->target, range, &object->version, arec_http_client_deadline (object->client));
    Part *part;

    if (!request) {
        return NULL;
    }
    part = g_new0 (Part, 1);
    part->span = range->span;
    part->request = request;
    note_fetched_locked (object, part->span);
    return part;
}

/* Makes the requests for what is neither kept nor under way. */
static bool
add_missing_locked (const Read *read, ArecRange kept, GPtrArray *mine, GPtrArray *new)
{
    ObjectSource *object = read->object;
    const ArecRangeWish wish = {read->span, AREC_URGENCY_DEMAND};
    g_autofree ArecRange *taken = g_new (ArecRange, mine->len + 1);
    ArecRangeWants wants = {.wishes = &wish,
                            .n_wishes = 1,
                            .taken = taken,
                            .window = object->target->window,
                            .size = object->base.size};
    g_autofree ArecRangeRequest *requests = NULL;
    size_t n = 0;

    for (guint i = 0; i < mine->len; i++) {
        taken[wants.n_taken++] = ((const Part *)g_ptr_array_index (mine, i))->span;
    }
    taken[wants.n_taken++] = kept;
    if (!arec_range_plan (&wants, &requests, &n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        Part *part = new_part_locked (object, &requests[i]);

        if (!part) {
            return false;
        }
        part->n_readers = 1;
        g_ptr_array_add (object->parts, part);
        g_ptr_array_add (mine, part);
        g_ptr_array_add (new, part);
    }
    return true;
}

/* The room that @part takes ahead of readers. */
static void
give_back (ObjectSource *object, const Part *part)
{
    const int64_t size = (int64_t)(part->span.end - part->span.begin);

    if (part->is_ahead) {
        arec_http_client_take_ahead (object->client, -size);
    }
    if (part->is_bought) {
        arec_http_client_take_bought (object->client, -size);
    }
}

/* Takes @part out of those of @object: it is abandoned and freed once the lock is released. */
static void
remove_locked (ObjectSource *object, Part *part, GPtrArray *over)
{
    give_back (object, part);
    g_ptr_array_remove (object->parts, part);
    g_ptr_array_add (over, part);
}

/* The last reader of a part frees it, unless it has bytes that were not read yet, and cancels
 * its request if it is not done. */
static void
leave (ObjectSource *object, GPtrArray *mine)
{
    g_autoptr (GPtrArray) over = g_ptr_array_new_with_free_func (free_part);

    pthread_mutex_lock (&object->lock);
    for (guint i = 0; i < mine->len; i++) {
        Part *part = g_ptr_array_index (mine, i);

        if (--part->n_readers == 0 && part->n_unread == 0) {
            remove_locked (object, part, over);
        }
    }
    pthread_mutex_unlock (&object->lock);
    for (guint i = 0; i < over->len; i++) {
        Part *part = g_ptr_array_index (over, i);

        arec_http_client_abandon (object->client, part->request);
    }
}

/* ---- waiting ---- */

static bool
fail_part (ObjectSource *object, const Part *part, bool is_done, GError **error)
{
    GError *cause = NULL;

    arec_object_fail (part->request, is_done, true, object->base.name, &cause);
    if (g_error_matches (cause, AREC_ERROR, AREC_ERROR_CHANGED) &&
        arec_source_set_changed (&object->base, cause->message)) {
        arec_remote_count (&counters_of (object)->changed, 1);
    }
    g_propagate_error (error, cause);
    return false;
}

/* What ends the calling thread's waiting; NULL: nothing. */
static const ArecCancel *
cancel_of (const ObjectSource *object)
{
    return object->base.cancel ? object->base.cancel : arec_cancel_bound();
}

static bool
take_part (const Read *read, const Part *part, GError **error)
{
    ObjectSource *object = read->object;
    const ArecHttpResult *result = &part->request->result;
    const ArecCancel *cancel = cancel_of (object);
    bool is_done = arec_http_client_wait (object->client, part->request, cancel);
    ArecRange here;

    if (!is_done && !arec_cancel_is_set (cancel)) {
        return arec_fail_place (error, AREC_ERROR_IO, object->base.name, part->span.begin,
                                "no answer within the deadline");
    }
    if (!is_done || result->end != AREC_HTTP_GOT) {
        return fail_part (object, part, is_done, error);
    }
    here = intersection (read->span, result->span);
    copy_out (read, here, part->request->buffer, result->span.begin);
    if (!part->is_ahead) {
        arec_remote_count (&part->request->n_read, here.end - here.begin);
    }
    return true;
}

static bool
submit (ObjectSource *object, const GPtrArray *new, GError **error)
{
    for (guint i = 0; i < new->len; i++) {
        const Part *part = g_ptr_array_index (new, i);

        if (!arec_http_client_submit (object->client, part->request, error)) {
            return false;
        }
    }
    return true;
}

/* @part was made before a reader asked, and failed: a reader asks anew, and gets the error of
 * its own tries. */
static void
note_failure (ObjectSource *object, Part *part)
{
    pthread_mutex_lock (&object->lock);
    part->has_failed = true;
    part->n_unread = 0;
    pthread_mutex_unlock (&object->lock);
}

/* The reader that waited for @part is cancelled: if no other one does, the request ends. */
static void
note_cancelled (ObjectSource *object, Part *part)
{
    pthread_mutex_lock (&object->lock);
    if (part->n_readers == 1) {
        part->n_unread = 0;
    }
    pthread_mutex_unlock (&object->lock);
}

/* @again  (out) set if the read failed by requests that were made ahead. */
static bool
read_parts (const Read *read, bool *again, GError **error)
{
    ObjectSource *object = read->object;
    g_autoptr (GPtrArray) mine = g_ptr_array_new(), new = g_ptr_array_new();
    ArecRange kept;
    int64_t begun;
    bool ok, waits;

    pthread_mutex_lock (&object->lock);
    read_kept_locked (read, &kept);
    join_locked (read, mine);
    ok = add_missing_locked (read, kept, mine, new);
    waits = is_random (mine);
    if (waits) {
        arec_purchase_begin_wait (&object->purchase, g_get_monotonic_time());
    }
    pthread_mutex_unlock (&object->lock);
    if (!ok) {
        arec_fail (error, AREC_ERROR_NOMEM, "%s: out of memory", object->base.name);
    } else {
        ok = submit (object, new, error);
    }
    begun = mine->len > 0 ? g_get_monotonic_time() : 0;
    for (guint i = 0; i < mine->len && ok; i++) {
        Part *part = g_ptr_array_index (mine, i);

        ok = take_part (read, part, error);
        if (!ok && arec_cancel_is_set (cancel_of (object))) {
            note_cancelled (object, part);
        } else if (!ok && part->is_ahead && !object->base.change) {
            note_failure (object, part);
            *again = true;
        }
    }
    if (mine->len > 0) {
        arec_remote_count_time (&counters_of (object)->wait, g_get_monotonic_time() - begun);
    }
    if (waits) {
        pthread_mutex_lock (&object->lock);
        arec_purchase_end_wait (&object->purchase, g_get_monotonic_time());
        pthread_mutex_unlock (&object->lock);
    }
    leave (object, mine);
    return ok;
}

static bool
read_span (const Read *read, GError **error)
{
    g_autoptr (GError) of_others = NULL;
    bool again = true;

    while (again && !arec_cancel_is_set (cancel_of (read->object))) {
        again = false;
        g_clear_error (&of_others);
        if (read_parts (read, &again, &of_others)) {
            return true;
        }
    }
    if (of_others) {
        g_propagate_error (error, g_steal_pointer (&of_others));
        return false;
    }
    return arec_fail (error, AREC_ERROR_CANCELLED, "%s: at %" PRIu64 ": cancelled",
                      read->object->base.name, read->span.begin);
}

/* ---- ahead of readers ---- */

/* Room for @size more bytes that no reader has asked for: the oldest of ours go. */
static bool
make_room_locked (ObjectSource *object, uint64_t size, GPtrArray *over)
{
    guint i = 0;

    while (!arec_http_client_take_ahead (object->client, (int64_t)size)) {
        Part *part;

        while (i < object->parts->len &&
               (!((Part *)g_ptr_array_index (object->parts, i))->is_ahead ||
                ((Part *)g_ptr_array_index (object->parts, i))->n_readers > 0)) {
            i++;
        }
        if (i == object->parts->len) {
            return false;
        }
        part = g_ptr_array_index (object->parts, i);
        remove_locked (object, part, over);
    }
    return true;
}

/* What is under way or kept. (transfer full) */
static ArecRange *
taken_locked (ObjectSource *object, size_t *n)
{
    ArecRange *taken = g_new (ArecRange, object->parts->len + 1);

    *n = 0;
    for (guint i = 0; i < object->parts->len; i++) {
        const Part *part = g_ptr_array_index (object->parts, i);

        if (!part->has_failed) {
            taken[(*n)++] = part->span;
        }
    }
    if (object->kept) {
        taken[(*n)++] = object->kept->result.span;
    }
    return taken;
}

/* A part that is kept until it was read; NULL: out of memory. Its room was taken. */
static Part *
add_ahead_locked (ObjectSource *object, const ArecRangeRequest *range, GPtrArray *new)
{
    uint64_t size = range->span.end - range->span.begin;
    Part *part = new_part_locked (object, range);

    if (!part) {
        arec_http_client_take_ahead (object->client, -(int64_t)size);
        return NULL;
    }
    part->is_ahead = true;
    part->n_pieces = part->n_unread = MAX (size / PIECE, 1);
    part->is_read = g_malloc0 (part->n_pieces);
    part->n_readers = 1; /* until it was submitted */
    g_ptr_array_add (object->parts, part);
    g_ptr_array_add (new, part);
    return part;
}

static void
plan_ahead_locked (ObjectSource *object, const ArecRangeWish *wishes, size_t n_wishes,
                   GPtrArray *new, GPtrArray *over)
{
    ArecRangeWants wants = {.wishes = wishes,
                            .n_wishes = n_wishes,
                            .window = object->target->window,
                            .size = object->base.size};
    g_autofree ArecRange *taken = taken_locked (object, &wants.n_taken);
    g_autofree ArecRangeRequest *requests = NULL;
    size_t n = 0;

    wants.taken = taken;
    if (!arec_range_plan (&wants, &requests, &n)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t size = requests[i].span.end - requests[i].span.begin;

        if (!make_room_locked (object, size, over) ||
            !add_ahead_locked (object, &requests[i], new)) {
            return;
        }
    }
}

/* Asks for the parts in @new, which were made ahead. */
static void
submit_ahead (ObjectSource *object, GPtrArray *new)
{
    if (!submit (object, new, NULL)) {
        for (guint i = 0; i < new->len; i++) {
            note_failure (object, g_ptr_array_index (new, i));
        }
    }
    leave (object, new);
}

static void
object_will_need (ArecSource *source, const ArecRange *ranges, size_t n, ArecUrgency urgency)
{
    ObjectSource *object = (ObjectSource *)source;
    g_autofree ArecRangeWish *wishes = g_new (ArecRangeWish, n);
    g_autoptr (GPtrArray) new = g_ptr_array_new();
    g_autoptr (GPtrArray) over = g_ptr_array_new_with_free_func (free_part);

    if (source->change) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        wishes[i] = (ArecRangeWish){ranges[i], urgency};
    }
    pthread_mutex_lock (&object->lock);
    plan_ahead_locked (object, wishes, n, new, over);
    pthread_mutex_unlock (&object->lock);
    for (guint i = 0; i < over->len; i++) {
        Part *part = g_ptr_array_index (over, i);

        arec_http_client_abandon (object->client, part->request);
    }
    submit_ahead (object, new);
}

static uint64_t
object_window (ArecSource *source)
{
    ObjectSource *object = (ObjectSource *)source;

    /* Two readers in order find room, at least. */
    return MIN (object->target->window, arec_http_client_max_ahead (object->client) / 2);
}

/* ---- the rest of the object, bought ---- */

static void
note_sample_locked (ObjectSource *object)
{
    const ArecHttpRequest *sample = object->sample;
    int64_t ended = sample ? sample->ended : 0;

    if (ended == 0 || object->purchase.rate > 0) {
        return;
    }
    if (sample->result.end != AREC_HTTP_GOT) {
        object->is_settled = true;
        return;
    }
    arec_purchase_note_sample (&object->purchase,
                               sample->range.span.end - sample->range.span.begin,
                               ended - (sample->deadline - sample->patience));
}

/* Bytes that are bought and have not come yet. */
static uint64_t
count_buying_locked (const ObjectSource *object)
{
    uint64_t n = 0;

    for (guint i = 0; i < object->parts->len; i++) {
        const Part *part = g_ptr_array_index (object->parts, i);

        n += part->is_bought && part->request->ended == 0 ? part->span.end - part->span.begin
                                                          : 0;
    }
    return n;
}

static Part *
buy_part_locked (ObjectSource *object, const ArecRangeRequest *range, GPtrArray *new)
{
    const int64_t size = (int64_t)(range->span.end - range->span.begin);
    Part *part;

    if (!arec_http_client_take_bought (object->client, size)) {
        object->is_settled = true; /* what others have bought takes all room */
        return NULL;
    }
    part = arec_http_client_take_ahead (object->client, size)
               ? add_ahead_locked (object, range, new)
               : NULL;
    if (!part) {
        arec_http_client_take_bought (object->client, -size);
        return NULL;
    }
    part->is_bought = true;
    arec_remote_count (&arec_http_client_counters (object->client)->bought, (uint64_t)size);
    return part;
}

/* The largest of @n requests shows the rate best. */
static void
buy_sample_locked (ObjectSource *object, const ArecRangeRequest *requests, size_t n,
                   GPtrArray *new)
{
    const ArecRangeRequest *largest = &requests[0];
    const Part *part;

    for (size_t i = 1; i < n; i++) {
        if (requests[i].span.end - requests[i].span.begin >
            largest->span.end - largest->span.begin) {
            largest = &requests[i];
        }
    }
    part = buy_part_locked (object, largest, new);
    object->sample = part ? arec_http_request_ref (part->request) : NULL;
}

/* Buys a sample, or as much as should be under way. */
static void
buy_more_locked (ObjectSource *object, GPtrArray *new)
{
    const ArecRangeWish all = {{0, object->base.size}, AREC_URGENCY_IDLE};
    const ArecRangeWants wants = {.wishes = &all,
                                  .n_wishes = 1,
                                  .taken = (const ArecRange *)(void *)object->fetched->data,
                                  .n_taken = object->fetched->len,
                                  .window = object->target->window,
                                  .size = object->base.size};
    const uint64_t goal = MAX (object->target->window, MIN_BUYING);
    uint64_t buying = count_buying_locked (object);
    g_autofree ArecRangeRequest *requests = NULL;
    size_t n = 0;

    if (buying >= goal || !arec_range_plan (&wants, &requests, &n)) {
        return;
    }
    if (n == 0) {
        object->is_settled = true;
    } else if (!object->is_buying) {
        buy_sample_locked (object, requests, n, new);
    }
    for (size_t i = 0; i < n && object->is_buying && buying < goal; i++) {
        if (!buy_part_locked (object, &requests[i], new)) {
            return;
        }
        buying += requests[i].span.end - requests[i].span.begin;
    }
}

/* Readers have waited: decides whether the rest of the object is worth fetching. */
static void
buy (ObjectSource *object)
{
    const uint64_t size = object->base.size;
    g_autoptr (GPtrArray) new = g_ptr_array_new();
    uint64_t room = arec_http_client_max_bought (object->client);

    pthread_mutex_lock (&object->lock);
    note_sample_locked (object);
    if (!object->is_settled) {
        ArecPurchaseStep step =
            arec_purchase_judge (&object->purchase, size - MIN (size, object->n_fetched), room);

        object->is_buying = object->is_buying || step == AREC_PURCHASE_ALL;
        if (object->is_buying || (step == AREC_PURCHASE_SAMPLE && !object->sample)) {
            buy_more_locked (object, new);
        }
    }
    pthread_mutex_unlock (&object->lock);
    if (new->len > 0) {
        submit_ahead (object, new);
    }
}

/* ---- the source ---- */

static bool
object_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
               GError **error)
{
    Read read = {
        .object = (ObjectSource *)source, .iov = iov, .n_iov = n_iov, .offset = offset};
    uint64_t length = 0;
    ArecPhaseMark mark;
    bool ok = true;

    if (source->change) {
        return arec_source_fail_changed (source, error);
    }
    for (int i = 0; i < n_iov; i++) {
        length += iov[i].iov_len;
    }
    arec_remote_count (&counters_of (read.object)->bytes_wanted, length);
    mark = arec_phases_enter (AREC_PHASE_READING);
    for (uint64_t done = 0; done < length && ok; done += MAX_AT_ONCE) {
        read.span.begin = offset + done;
        read.span.end = offset + MIN (length, done + MAX_AT_ONCE);
        ok = read_span (&read, error);
    }
    if (arec_http_client_max_bought (read.object->client) > 0) {
        buy (read.object);
    }
    arec_phases_leave (mark);
    return ok;
}

static void
object_free (ArecSource *source)
{
    ObjectSource *object = (ObjectSource *)source;

    drop_kept_locked (object);
    for (guint i = 0; i < object->parts->len; i++) { /* that no reader came to */
        Part *part = g_ptr_array_index (object->parts, i);

        give_back (object, part);
        arec_http_client_abandon (object->client, part->request);
        free_part (part);
    }
    g_ptr_array_unref (object->parts);
    g_array_unref (object->fetched);
    arec_http_request_unref (object->sample);
    pthread_mutex_destroy (&object->lock);
    arec_http_target_unref (object->target);
    arec_object_version_clear (&object->version);
    g_free (object);
}

static const ArecSourceOps object_ops = {.preadv = object_preadv,
                                         .window = object_window,
                                         .will_need = object_will_need,
                                         .free = object_free};

static uint64_t
mix_text (uint64_t hash, const char *text)
{
    for (; text && *text; text++) {
        hash = arec_mix (hash, (unsigned char)*text);
    }
    return arec_mix (hash, 256);
}

static uint64_t
identity_of (const ObjectSource *object)
{
    const ArecObjectVersion *version = &object->version;
    uint64_t hash = mix_text (arec_mix (0, version->size), object->target->url);

    if (version->generation != 0) {
        return arec_mix (hash, version->generation);
    }
    return mix_text (hash, version->etag ? version->etag : version->last_modified_text);
}

static struct stat
stat_of (const ArecObjectVersion *version)
{
    struct timespec modified = {.tv_sec = version->last_modified};

    if (!version->last_modified_text) {
        clock_gettime (CLOCK_REALTIME, &modified);
    }
    return (struct stat){.st_mode = S_IFREG | 0444,
                         .st_nlink = 1,
                         .st_uid = getuid(),
                         .st_gid = getgid(),
                         .st_size = (off_t)version->size,
                         .st_blksize = 4096,
                         .st_blocks = (blkcnt_t)((version->size + 511) / 512),
                         .st_mtim = modified,
                         .st_ctim = modified,
                         .st_atim = modified};
}

ArecSource *
arec_object_source_open (ArecHttpClient *client, ArecHttpTarget *target, const char *name,
                         const ArecObjectHint *hint, const ArecCancel *cancel,
                         ArecObjectFacts *facts, GError **error)
{
    g_auto (ArecObjectOpening) opening = {0};
    ObjectSource *object;

    if (!arec_object_open (client, target, name, hint, cancel, &opening, error)) {
        return NULL;
    }
    object = g_new0 (ObjectSource, 1);
    object->base.ops = &object_ops;
    object->base.name = g_strdup (name);
    object->client = client;
    object->target = arec_http_target_ref (target);
    arec_object_version_copy (&opening.version, &object->version);
    pthread_mutex_init (&object->lock, NULL);
    object->parts = g_ptr_array_new();
    object->fetched = g_array_new (FALSE, FALSE, sizeof (ArecRange));
    object->base.size = object->version.size;
    object->base.is_slow = true;
    object->base.identity = identity_of (object);
    object->base.st = stat_of (&object->version);
    object->base.mode = 0444;
    object->base.etag = g_strdup (object->version.etag);
    if (opening.request) {
        keep (object, &opening);
    }
    *facts = (ArecObjectFacts){object->version, object->is_whole};
    return &object->base;
}

ArecSource *
arec_object_source_new (ArecHttpClient *client, ArecHttpTarget *target, const char *name,
                        const ArecCancel *cancel, GError **error)
{
    ArecObjectFacts facts;

    return arec_object_source_open (client, target, name, &AREC_OBJECT_UNKNOWN, cancel, &facts,
                                    error);
}
