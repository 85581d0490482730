import ctypes
from ctypes import byref, c_int32, c_int64, c_uint32, c_uint64, c_void_p, string_at


class Value(ctypes.Structure):  # cachechain_value
    _fields_ = [("data", c_void_p), ("size", c_uint64), ("version", c_uint64), ("created", c_uint64),
                ("fresh_until_ms", c_int64), ("expires_ms", c_int64), ("flags", c_uint32), ("layer", c_int32),
                ("release", c_void_p), ("owner", c_void_p)]


lib = ctypes.CDLL("libcachechain.so.0")
lib.cachechain_error_message.restype = ctypes.c_char_p


def call(function, *arguments):  # bytes go with their size behind them, the error goes last
    error, flat = c_void_p(), []
    for argument in arguments:
        flat += [argument, c_uint64(len(argument))] if isinstance(argument, bytes) else [argument]
    status = function(*flat, byref(error))
    if status < 0:
        message = lib.cachechain_error_message(error, None).decode()
        lib.cachechain_error_free(error)
        raise RuntimeError(message)
    return status


json = b'{"chain": "shop", "layers": [{"name": "L1", "plugin": "memory"}]}'
chain, value = c_void_p(), Value()
call(lib.cachechain_chain_open, json, None, byref(chain))
call(lib.cachechain_set, chain, None, b"user:42", b"Ada", None)
if call(lib.cachechain_get, chain, None, b"user:42", None, c_uint64(0), byref(value)) == 0:  # a hit
    print(string_at(value.data, value.size).decode())
lib.cachechain_value_release(byref(value))
lib.cachechain_chain_free(chain)
