#include "machine.h"

#include "forge.h"

enum { MAX_STATES = 200, MAX_BUFFERS = 20, MAX_BUFFER = 4096 };

/* The second walk gives up beyond these. */
enum { MAX_STEPS = 100000, MAX_DECODED = 65536 };

/* Kinds of states (FORMAT.md 7.4): numbers below 8, and the low bits of tags. */
enum { NOOP, RAW_RECORD, SUBMESSAGE_START, RECORD_START };
enum { VARINT, FIXED64, STRING, GROUP_START, GROUP_END, FIXED32, SUBMESSAGE_END };

/* Subtypes of varints: lengths below, values from here on. */
enum { INLINE = 10, N_SUBTYPES = 138 };

/* ---- out of an input ---- */

static bool
takes_from_buffer (uint32_t tag)
{
    uint32_t wire_type = tag & 7;

    return tag == RAW_RECORD || (tag >= 8 && (wire_type == VARINT || wire_type == FIXED64 ||
                                              wire_type == STRING || wire_type == FIXED32));
}

/* The kind, the field of those that have one, what follows. */
static TestState
take_state (ArecBytes *input, uint32_t n_states, uint32_t n_buffers)
{
    unsigned kind = fuzz_take_u8 (input), what = kind % 11;
    TestState state = {.is_implicit = kind & 0x80, .subtype = -1, .buffer = -1};

    if (what < 4) {
        state.tag = what;
    } else {
        uint32_t field = (uint32_t)fuzz_take_number (input) & 0x1fffffff;

        state.tag = MAX (field, 1) << 3 | (what - 4);
    }
    if (takes_from_buffer (state.tag) && n_buffers == 0) {
        state.tag = NOOP;
    }
    if (state.tag >= 8 && (state.tag & 7) == VARINT) {
        state.subtype = fuzz_take_u8 (input) % N_SUBTYPES;
    }
    if (takes_from_buffer (state.tag) && state.subtype < INLINE) {
        state.buffer = (int)(fuzz_take_u8 (input) % n_buffers);
    }
    state.base = (uint32_t)(fuzz_take_number (input) % n_states);
    return state;
}

static GByteArray *
take_buffer (ArecBytes *input)
{
    ArecBytes bytes = fuzz_take_bytes (input, fuzz_take_number (input) % MAX_BUFFER);

    /* The reserved size gives even an empty buffer a pointer that is not NULL. */
    return g_byte_array_append (g_byte_array_sized_new (16), bytes.at,
                                (guint)arec_bytes_left (&bytes));
}

FuzzMachine *
fuzz_machine_new (ArecBytes *input)
{
    FuzzMachine *machine = g_new0 (FuzzMachine, 1);
    uint32_t n_states = 1 + (uint32_t)(fuzz_take_number (input) % MAX_STATES);
    uint32_t n_buffers = (uint32_t)(fuzz_take_number (input) % (MAX_BUFFERS + 1));

    machine->states = g_array_new (FALSE, FALSE, sizeof (TestState));
    for (uint32_t i = 0; i < n_states; i++) {
        TestState state = take_state (input, n_states, n_buffers);

        g_array_append_val (machine->states, state);
    }
    machine->first = (uint32_t)(fuzz_take_number (input) % n_states);
    machine->buffers = g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
    for (uint32_t i = 0; i < n_buffers; i++) {
        g_ptr_array_add (machine->buffers, take_buffer (input));
    }
    machine->transitions = fuzz_take_bytes (input, fuzz_take_number (input));
    return machine;
}

void
fuzz_machine_free (FuzzMachine *machine)
{
    if (!machine) {
        return;
    }
    g_array_unref (machine->states);
    g_ptr_array_unref (machine->buffers);
    g_free (machine);
}

/* ---- the walk ---- */

typedef struct {
    const FuzzMachine *machine;
    ArecBytes *unread;    /* of each buffer */
    GByteArray *reversed; /* what is written, last byte first */
    GArray *starts;       /* of uint64_t: how much was written when a record had started */
    GArray *open;         /* of Open */
} Walk;

typedef struct {
    uint64_t written;
    uint32_t tag;
} Open;

static const TestState *
state_at (const FuzzMachine *machine, uint64_t i)
{
    return &g_array_index (machine->states, TestState, i);
}

static void
put (Walk *walk, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        g_byte_array_append (walk->reversed, &bytes[--n], 1);
    }
}

static void
put_varint (Walk *walk, uint64_t value)
{
    g_autoptr (GByteArray) bytes = g_byte_array_new();

    test_forge_varint (bytes, value);
    put (walk, bytes->data, bytes->len);
}

static bool
put_number (Walk *walk, const TestState *state, size_t n, uint8_t marks)
{
    const uint8_t *bytes;

    if (!arec_bytes_take (&walk->unread[state->buffer], n, &bytes)) {
        return false;
    }
    for (size_t i = n; i-- > 0;) {
        uint8_t byte = i + 1 < n ? bytes[i] | marks : bytes[i];

        put (walk, &byte, 1);
    }
    put_varint (walk, state->tag);
    return true;
}

static bool
put_string (Walk *walk, const TestState *state)
{
    ArecBytes *buffer = &walk->unread[state->buffer];
    const uint8_t *begin = buffer->at, *bytes;
    uint32_t length;

    if (!arec_bytes_take_varint32 (buffer, &length) ||
        !arec_bytes_take (buffer, length, &bytes)) {
        return false;
    }
    put (walk, begin, (size_t)(buffer->at - begin));
    put_varint (walk, state->tag);
    return true;
}

static bool
start_record (Walk *walk)
{
    uint64_t written = walk->reversed->len;

    g_array_append_val (walk->starts, written);
    return walk->open->len == 0;
}

static bool
put_raw_record (Walk *walk, const TestState *state)
{
    const uint8_t *bytes;
    uint32_t length;

    if (!arec_bytes_take_varint32 (&walk->unread[walk->machine->buffers->len - 1], &length) ||
        !arec_bytes_take (&walk->unread[state->buffer], length, &bytes)) {
        return false;
    }
    put (walk, bytes, length);
    return start_record (walk);
}

static void
end_submessage (Walk *walk, const TestState *state)
{
    Open open = {walk->reversed->len, state->tag - SUBMESSAGE_END + STRING};

    g_array_append_val (walk->open, open);
}

static bool
start_submessage (Walk *walk)
{
    Open open;

    if (walk->open->len == 0) {
        return false;
    }
    open = g_array_index (walk->open, Open, walk->open->len - 1);
    g_array_set_size (walk->open, walk->open->len - 1);
    put_varint (walk, walk->reversed->len - open.written);
    put_varint (walk, open.tag);
    return true;
}

static bool
enter_varint (Walk *walk, const TestState *state)
{
    uint8_t value;

    if (state->subtype < INLINE) {
        return put_number (walk, state, (size_t)state->subtype + 1, 0x80);
    }
    value = (uint8_t)(state->subtype - INLINE);
    put (walk, &value, 1);
    put_varint (walk, state->tag);
    return true;
}

static bool
enter (Walk *walk, const TestState *state)
{
    switch (state->tag) {
    case NOOP: return true;
    case RAW_RECORD: return put_raw_record (walk, state);
    case SUBMESSAGE_START: return start_submessage (walk);
    case RECORD_START: return start_record (walk);
    default: break;
    }
    switch (state->tag & 7) {
    case VARINT: return enter_varint (walk, state);
    case FIXED64: return put_number (walk, state, 8, 0);
    case FIXED32: return put_number (walk, state, 4, 0);
    case STRING: return put_string (walk, state);
    case SUBMESSAGE_END: end_submessage (walk, state); return true;
    default: put_varint (walk, state->tag); return true; /* of a group */
    }
}

/* Whether from any state implicit states follow each other for ever. */
static bool
has_circle (const FuzzMachine *machine)
{
    for (uint32_t i = 0; i < machine->states->len; i++) {
        const TestState *state = state_at (machine, i);
        uint32_t steps = 0;

        while (state->is_implicit && steps++ <= machine->states->len) {
            state = state_at (machine, state->base);
        }
        if (state->is_implicit) {
            return true;
        }
    }
    return false;
}

/* false: a fault, or @too_long. */
static bool
walk_on (Walk *walk, bool *too_long)
{
    const FuzzMachine *machine = walk->machine;
    ArecBytes transitions = machine->transitions;
    uint64_t at = machine->first;
    unsigned repeat = 0;

    for (unsigned steps = 0;; steps++) {
        const TestState *state = state_at (machine, at);
        uint8_t byte;

        *too_long = steps == MAX_STEPS || walk->reversed->len > MAX_DECODED;
        if (*too_long || !enter (walk, state)) {
            return false;
        }
        at = state->base;
        if (state->is_implicit) {
            continue;
        }
        if (repeat > 0) {
            repeat--;
            continue;
        }
        if (!arec_bytes_take_u8 (&transitions, &byte)) {
            break;
        }
        repeat = byte & 3;
        at += byte >> 2;
        if (at >= machine->states->len) {
            return false;
        }
    }
    /* The last thing is the start of the first record. */
    return walk->open->len == 0 &&
           (walk->starts->len == 0
                ? walk->reversed->len == 0
                : g_array_index (walk->starts, uint64_t, walk->starts->len - 1) ==
                      walk->reversed->len);
}

static void
turn_around (const Walk *walk, FuzzDecoded *decoded)
{
    uint64_t size = walk->reversed->len, end;

    decoded->values = g_byte_array_sized_new ((guint)size + 1);
    for (uint64_t i = size; i-- > 0;) {
        g_byte_array_append (decoded->values, &walk->reversed->data[i], 1);
    }
    decoded->ends = g_array_new (FALSE, FALSE, sizeof (uint64_t));
    for (guint i = walk->starts->len; i-- > 1;) {
        end = size - g_array_index (walk->starts, uint64_t, i - 1);
        g_array_append_val (decoded->ends, end);
    }
    if (walk->starts->len > 0) {
        g_array_append_val (decoded->ends, size);
    }
}

bool
fuzz_machine_run (const FuzzMachine *machine, FuzzDecoded *decoded)
{
    g_autofree ArecBytes *unread = g_new0 (ArecBytes, machine->buffers->len + 1);
    g_autoptr (GByteArray) reversed = g_byte_array_new();
    g_autoptr (GArray) starts = g_array_new (FALSE, FALSE, sizeof (uint64_t));
    g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (Open));
    Walk walk = {machine, unread, reversed, starts, open};

    *decoded = (FuzzDecoded){0};
    for (guint i = 0; i < machine->buffers->len; i++) {
        const GByteArray *buffer = g_ptr_array_index (machine->buffers, i);

        unread[i] = arec_bytes (buffer->data, buffer->len);
    }
    if (has_circle (machine) || !walk_on (&walk, &decoded->is_too_long)) {
        return false;
    }
    turn_around (&walk, decoded);
    return true;
}

void
fuzz_decoded_clear (FuzzDecoded *decoded)
{
    g_clear_pointer (&decoded->values, g_byte_array_unref);
    g_clear_pointer (&decoded->ends, g_array_unref);
}

/* ---- a body ---- */

/* Appends each bucket to the one before it where @input says so. */
static void
join_buckets (GPtrArray *buckets, ArecBytes *input)
{
    guint n = buckets->len, last = 0;

    for (guint i = 1; i < n; i++) {
        GByteArray *bucket = g_ptr_array_index (buckets, last + 1);

        if (fuzz_take_u8 (input) & 1) {
            g_byte_array_append (g_ptr_array_index (buckets, last), bucket->data, bucket->len);
            g_ptr_array_remove_index (buckets, last + 1);
        } else {
            last++;
        }
    }
}

TestBody *
fuzz_machine_body (const FuzzMachine *machine, ArecBytes *input)
{
    g_autoptr (GPtrArray) buffers =
        g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
    TestBody *body;

    for (guint i = 0; i < machine->buffers->len; i++) {
        const GByteArray *buffer = g_ptr_array_index (machine->buffers, i);

        g_ptr_array_add (buffers,
                         g_byte_array_append (g_byte_array_new(), buffer->data, buffer->len));
    }
    body = test_body_new ((const TestState *)(const void *)machine->states->data,
                          machine->states->len, machine->first,
                          (GByteArray *const *)buffers->pdata, buffers->len,
                          machine->transitions.at, arec_bytes_left (&machine->transitions));
    join_buckets (body->buckets, input);
    return body;
}
