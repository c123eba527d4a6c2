#include <arec/names.h>

#include <string.h>

#include <glib.h>

static unsigned
digits_of (uint64_t number)
{
    unsigned digits = 1;

    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

void
arec_record_names_init (ArecRecordNames *names, uint64_t n_records, bool plain,
                        const char *suffix)
{
    names->n_records = n_records;
    names->width = plain || n_records == 0 ? 1 : digits_of (n_records - 1);
    g_strlcpy (names->suffix, suffix, sizeof names->suffix);
}

unsigned
arec_record_names_format (const ArecRecordNames *names, uint64_t record,
                          char name[AREC_RECORD_NAME_SIZE])
{
    unsigned length = MAX (digits_of (record), names->width);

    for (unsigned i = length; i-- > 0;) {
        name[i] = (char)('0' + record % 10);
        record /= 10;
    }
    return length +
           (unsigned)g_strlcpy (name + length, names->suffix, AREC_RECORD_NAME_SIZE - length);
}

bool
arec_record_names_parse (const ArecRecordNames *names, const char *name, uint64_t *record)
{
    size_t length = strspn (name, "0123456789");
    uint64_t number = 0;

    /* Either exactly `width` digits, or any other number of them without a leading zero. */
    if (length == 0 || length > 19 || strcmp (name + length, names->suffix) != 0 ||
        (name[0] == '0' && length != 1 && length != names->width)) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        number = number * 10 + (uint64_t)(name[i] - '0');
    }
    if (number >= names->n_records) {
        return false;
    }
    *record = number;
    return true;
}
