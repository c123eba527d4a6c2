"""Codecs and the hash of the format, through the system's shared libraries (which libarec links too).

Only what tests need to make and to open streams: one buffer in, one buffer out. Streams are taken from
hostile files, so a stream that cannot be decompressed gives None and not an exception.
"""

import ctypes

_zstd = ctypes.CDLL("libzstd.so.1")
_brotli_encoder = ctypes.CDLL("libbrotlienc.so.1")
_brotli_decoder = ctypes.CDLL("libbrotlidec.so.1")
_snappy = ctypes.CDLL("libsnappy.so.1")
_highway = ctypes.CDLL("libhighwayhash.so.0")

_SIZE, _POINTER, _INT = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int
_KEY = (ctypes.c_uint64 * 4).from_buffer_copy(b"Riegeli/records\nRiegeli/records\n")
_BROTLI_SUCCESS, _BROTLI_LARGE_WINDOW = 1, 1
_ZSTD_WINDOW_LOG_MAX = 100


def _declare(function, result, *arguments):
    function.restype, function.argtypes = result, arguments
    return function


_hash = _declare(_highway.HighwayHash64, ctypes.c_uint64, _POINTER, ctypes.c_char_p, ctypes.c_uint64)
_zstd_bound = _declare(_zstd.ZSTD_compressBound, _SIZE, _SIZE)
_zstd_compress = _declare(_zstd.ZSTD_compress, _SIZE, _POINTER, _SIZE, ctypes.c_char_p, _SIZE, _INT)
_zstd_decompress = _declare(_zstd.ZSTD_decompress, _SIZE, _POINTER, _SIZE, ctypes.c_char_p, _SIZE)
_zstd_is_error = _declare(_zstd.ZSTD_isError, ctypes.c_uint, _SIZE)
_zstd_new = _declare(_zstd.ZSTD_createDCtx, _POINTER)
_zstd_free = _declare(_zstd.ZSTD_freeDCtx, _SIZE, _POINTER)
_zstd_set = _declare(_zstd.ZSTD_DCtx_setParameter, _SIZE, _POINTER, _INT, _INT)
_zstd_step = _declare(_zstd.ZSTD_decompressStream, _SIZE, _POINTER, _POINTER, _POINTER)
_brotli_bound = _declare(_brotli_encoder.BrotliEncoderMaxCompressedSize, _SIZE, _SIZE)
_brotli_compress = _declare(_brotli_encoder.BrotliEncoderCompress, _INT, _INT, _INT, _INT, _SIZE,
                            ctypes.c_char_p, ctypes.POINTER(_SIZE), _POINTER)
_brotli_new = _declare(_brotli_decoder.BrotliDecoderCreateInstance, _POINTER, _POINTER, _POINTER, _POINTER)
_brotli_set = _declare(_brotli_decoder.BrotliDecoderSetParameter, _INT, _POINTER, _INT, ctypes.c_uint32)
_brotli_free = _declare(_brotli_decoder.BrotliDecoderDestroyInstance, None, _POINTER)
_brotli_step = _declare(_brotli_decoder.BrotliDecoderDecompressStream, _INT, _POINTER,
                        ctypes.POINTER(_SIZE), ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(_SIZE),
                        ctypes.POINTER(_POINTER), _POINTER)
_snappy_bound = _declare(_snappy.snappy_max_compressed_length, _SIZE, _SIZE)
_snappy_compress = _declare(_snappy.snappy_compress, _INT, ctypes.c_char_p, _SIZE, _POINTER,
                            ctypes.POINTER(_SIZE))
_snappy_decompress = _declare(_snappy.snappy_uncompress, _INT, ctypes.c_char_p, _SIZE, _POINTER,
                              ctypes.POINTER(_SIZE))


def highway_hash(data):
    """HighwayHash64 of bytes with the key of Riegeli/records."""
    return _hash(_KEY, bytes(data), len(data))


def zstd_compress(data, level=3):
    out = ctypes.create_string_buffer(_zstd_bound(len(data)))
    size = _zstd_compress(out, len(out), data, len(data), level)
    assert not _zstd_is_error(size)
    return out.raw[:size]


def zstd_decompress(data, capacity):
    out = ctypes.create_string_buffer(max(capacity, 1))
    size = _zstd_decompress(out, capacity, data, len(data))
    return None if _zstd_is_error(size) else out.raw[:size]


class _Buffer(ctypes.Structure):
    _fields_ = [("at", _POINTER), ("size", _SIZE), ("done", _SIZE)]


def zstd_streams(data, most=1 << 20):
    """Whether libzstd's streaming decoder accepts all of @data as one frame of at most @most bytes plain."""
    out = ctypes.create_string_buffer(most)
    target = _Buffer(ctypes.addressof(out), most, 0)
    source_bytes = ctypes.create_string_buffer(data, max(len(data), 1))
    source = _Buffer(ctypes.addressof(source_bytes), len(data), 0)
    context = _zstd_new()
    _zstd_set(context, _ZSTD_WINDOW_LOG_MAX, 31)
    before, left = None, 1
    while left and not _zstd_is_error(left) and (source.done, target.done) != before:
        before = source.done, target.done
        left = _zstd_step(context, ctypes.byref(target), ctypes.byref(source))
    _zstd_free(context)
    return left == 0 and source.done == len(data)


def brotli_compress(data, level=6, window=22):
    out = ctypes.create_string_buffer(_brotli_bound(len(data)) + 16)
    size = _SIZE(len(out))
    assert _brotli_compress(level, window, 0, len(data), data, ctypes.byref(size), out)
    return out.raw[:size.value]


def brotli_decompress(data, capacity):
    out = ctypes.create_string_buffer(max(capacity, 1))
    left, room = _SIZE(len(data)), _SIZE(capacity)
    source, target = ctypes.c_char_p(data), _POINTER(ctypes.addressof(out))
    decoder = _brotli_new(None, None, None)
    _brotli_set(decoder, _BROTLI_LARGE_WINDOW, 1)
    result = _brotli_step(decoder, ctypes.byref(left), ctypes.byref(source), ctypes.byref(room),
                          ctypes.byref(target), None)
    _brotli_free(decoder)
    return out.raw[:capacity - room.value] if result == _BROTLI_SUCCESS and not left.value else None


def snappy_compress(data):
    out = ctypes.create_string_buffer(_snappy_bound(len(data)))
    size = _SIZE(len(out))
    assert _snappy_compress(data, len(data), out, ctypes.byref(size)) == 0
    return out.raw[:size.value]


def snappy_decompress(data, capacity):
    out = ctypes.create_string_buffer(max(capacity, 1))
    size = _SIZE(capacity)
    return out.raw[:size.value] if _snappy_decompress(data, len(data), out, ctypes.byref(size)) == 0 else None


def compress(codec, data, level=None):
    """A block as chunks store it: the decompressed size and one stream. @codec is `\\0`, b, z or s."""
    if codec == 0:
        return data
    stream = {ord("b"): lambda: brotli_compress(data, 5 if level is None else level),
              ord("z"): lambda: zstd_compress(data, 3 if level is None else level),
              ord("s"): lambda: snappy_compress(data)}[codec]()
    return varint(len(data)) + stream


def decompress(codec, block, most=1 << 20):
    """The plain bytes of a block, or None if it holds no sound stream of at most @most bytes. The size before the
    stream may lie."""
    if codec == 0:
        return block
    opener = {ord("b"): brotli_decompress, ord("z"): zstd_decompress, ord("s"): snappy_decompress}.get(codec)
    size, used = take_varint(block, 0)
    if opener is None or size is None:
        return None
    plain = opener(block[used:], size) if size <= most else None
    return opener(block[used:], most) if plain is None else plain


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def take_varint(data, at, most=10):
    """(value, position after it) of the varint at @at; (None, @at) if none of @most bytes is there.
    The value must fit into 64 bits, or into 32 if @most is 5."""
    value = 0
    for i in range(most):
        if at + i >= len(data):
            break
        value |= (data[at + i] & 127) << 7 * i
        if data[at + i] < 128:
            return (value, at + i + 1) if value < 1 << (64 if most == 10 else 32) else (None, at)
    return None, at
