"""The C header as a foreign language meets it: nothing but the preprocessed text and the library.

Parses the header with a few regular expressions (which is all that many FFI generators do), builds every struct and
function with ctypes, compares the structs with the lock files, and drives a chain of memory.

usage: ffi_test.py LIBRARY HEADERS LOCKS COMPILER      (the library, the folders include/ and abi/, a C compiler)
       ffi_test.py - HEADERS LOCKS COMPILER            (the headers against the locks only)
"""

import ctypes
import json
import os
import re
import subprocess
import sys
import unittest

SCALARS = {
    "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64,
    "uint8_t": ctypes.c_uint8, "uintptr_t": ctypes.c_size_t, "double": ctypes.c_double, "void": None,
}


def preprocessed(compiler, headers, name):
    """One header on one line. What it includes is in it too; the regular expressions look for our prefix."""
    command = [compiler, "-std=c11", "-E", "-P", "-I", headers, os.path.join(headers, "cachechain", name)]
    return re.sub(r"\s+", " ", subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def ctype(declaration, structs):
    """The ctypes type of a declaration without its name: "const uint8_t *" and so on."""
    if declaration.replace(" ", "") in ("constchar*",):
        return ctypes.c_char_p
    if "*" in declaration:
        return ctypes.c_void_p
    word = declaration.replace("const", "").replace("struct", "").strip()
    if word in SCALARS:
        return SCALARS[word]
    return structs[word] if word in structs else ctypes.c_void_p  # the typedef of a function pointer


def field(declaration, structs):
    pointer = re.search(r"\(\*(\w+)\)", declaration)
    if pointer:
        return pointer.group(1), ctypes.c_void_p
    kind, name, count = re.fullmatch(r"(.*?)(\w+)(?:\[(\d+)\])?", declaration).groups()
    found = ctype(kind, structs)
    return name, found * int(count) if count else found


def parse(text):
    """{name: ctypes.Structure} and {name: (restype, argtypes)} of a preprocessed header."""
    structs, functions = {}, {}
    for name, body in re.findall(r"struct (cachechain_\w+) \{(.*?)\}", text):
        fields = [field(part.strip(), structs) for part in body.split(";") if part.strip()]
        structs[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
    bare = re.sub(r"(typedef )?struct cachechain_\w+ \{.*?\}[^;]*;|typedef [^;{]*;", " ", text)
    for result, name, parameters in re.findall(r"([\w\s\*]+?)\b(cachechain_\w+)\(([^()]*)\);", bare):
        types = [] if parameters.strip() == "void" else [
            ctype(re.fullmatch(r"(.*?)\w+", part.strip()).group(1), structs) for part in parameters.split(",")]
        functions[name] = (ctype(result.strip(), structs), types)
    return structs, functions


def lock(path):
    """[(name, kind, size)], [(struct, field, offset, size)] and {constant: value} of a lock file."""
    with open(path, encoding="utf-8") as lines:
        text = lines.read()
    structs = [(n, k, int(s)) for n, k, s in re.findall(r"^STRUCT\((\w+), (\w+), (\d+)\)$", text, re.M)]
    fields = [(n, f, int(o), int(s)) for n, f, o, s in re.findall(r"^FIELD\((\w+), (\w+), (\d+), (\d+)\)$", text, re.M)]
    constants = {n: int(v) for n, v in re.findall(r"^CONSTANT\((\w+), (-?\d+)\)$", text, re.M)}
    return structs, fields, constants


class Headers(unittest.TestCase):
    def compare(self, header, lock_file, known=()):
        structs, _ = parse(preprocessed(COMPILER, HEADERS, header))
        locked, fields, constants = lock(os.path.join(LOCKS, lock_file))
        seen = [(name, f[0], getattr(kind, f[0]).offset, getattr(kind, f[0]).size)
                for name, kind in structs.items() if name not in known for f in kind._fields_]
        self.assertEqual(seen, fields)
        self.assertEqual([(name, ctypes.sizeof(kind)) for name, kind in structs.items() if name not in known],
                         [(name, size) for name, _, size in locked])
        for name, kind, _ in locked:
            self.assertEqual(kind == "GROWABLE", structs[name]._fields_[0][0] == "struct_size", name)
        text = preprocessed(COMPILER, HEADERS, header)
        names = [name for body in re.findall(r"enum \{(.*?)\}", text) for name in re.findall(r"(CACHECHAIN_\w+) =", body)]
        if not known:
            self.assertEqual([name for name in names if name not in constants], [])
        return structs

    def test_the_client_header_is_its_lock(self):
        self.compare("cachechain.h", "client_v1.lock")

    def test_the_plugin_header_is_its_lock(self):
        client, _ = parse(preprocessed(COMPILER, HEADERS, "cachechain.h"))
        self.compare("plugin.h", "plugin_v1.lock", known=client)


class Library(unittest.TestCase):
    def setUp(self):
        if LIBRARY == "-":
            self.skipTest("no library was given")
        self.structs, self.functions = parse(preprocessed(COMPILER, HEADERS, "cachechain.h"))
        self.library = ctypes.CDLL(LIBRARY)
        for name, (result, arguments) in self.functions.items():
            function = getattr(self.library, name)  # AttributeError: declared, but not exported
            function.restype, function.argtypes = result, arguments
        self.constants = lock(os.path.join(LOCKS, "client_v1.lock"))[2]

    def is_status(self, found, name):
        self.assertEqual(self.library.cachechain_status_name(found), name.encode(), found)
        self.assertEqual(found, self.constants["CACHECHAIN_" + name])

    def sized(self, ask):
        """The text of a function with a size query."""
        needed = ctypes.c_uint64()
        self.is_status(ask(None, 0, needed), "BUFFER_TOO_SMALL")
        buffer = ctypes.create_string_buffer(needed.value + 256)
        self.is_status(ask(buffer, len(buffer), needed), "OK")
        return json.loads(buffer.raw[:needed.value])

    def test_it_knows_its_version(self):
        self.assertRegex(self.library.cachechain_version(), rb"^\d+\.\d+\.\d+$")
        version = self.library.cachechain_abi_version()
        self.is_status(self.library.cachechain_abi_check(version >> 16, version & 0xffff), "OK")
        self.is_status(self.library.cachechain_abi_check((version >> 16) + 1, 0), "UNSUPPORTED")

    def test_a_refused_configuration_says_why(self):
        chain, error = ctypes.c_void_p(), ctypes.c_void_p()
        text = b'{"chain": "ffi", "layers": [], "no_such_key": 1}'
        found = self.library.cachechain_chain_open(text, len(text), None, ctypes.byref(chain), ctypes.byref(error))
        self.is_status(found, "CONFIG")
        self.assertIsNone(chain.value)
        size = ctypes.c_uint64()
        message = self.library.cachechain_error_message(error, ctypes.byref(size))
        self.assertIn(b"no_such_key", message)
        self.assertEqual(len(message), size.value)
        self.library.cachechain_error_free(error)

    def test_a_chain_of_memory(self):
        library, chain, key, data = self.library, ctypes.c_void_p(), b"user:42", b"Ada\0Lovelace"
        text = json.dumps({"chain": "ffi", "source": "application",
                           "layers": [{"name": "L1", "plugin": "memory", "options": {"max_bytes": "1MiB"}}]}).encode()
        error = ctypes.c_void_p()
        found = library.cachechain_chain_open(text, len(text), None, ctypes.byref(chain), ctypes.byref(error))
        self.assertEqual(found, 0, library.cachechain_error_message(error, None))

        written = self.structs["cachechain_write"]()
        value = self.structs["cachechain_value"]()
        buffer = ctypes.create_string_buffer(64)
        self.is_status(library.cachechain_get(chain, None, key, len(key), buffer, 64, ctypes.byref(value), None), "MISS")
        self.is_status(
            library.cachechain_set(chain, None, key, len(key), data, len(data), ctypes.byref(written), None), "OK")
        self.assertEqual(written.done, 1)
        self.is_status(library.cachechain_get(chain, None, key, len(key), buffer, 64, ctypes.byref(value), None), "OK")
        self.assertEqual(value.data, ctypes.addressof(buffer))
        self.assertEqual(ctypes.string_at(value.data, value.size), data)
        self.assertEqual((value.version, value.layer), (written.version, 0))
        self.assertIsNone(value.release)

        view = self.structs["cachechain_value"]()
        self.is_status(library.cachechain_get(chain, None, key, len(key), None, 0, ctypes.byref(view), None), "OK")
        self.is_status(library.cachechain_delete(chain, None, key, len(key), ctypes.byref(written), None), "OK")
        self.assertEqual(ctypes.string_at(view.data, view.size), data)
        self.is_status(library.cachechain_exists(chain, None, key, len(key), None, None), "MISS")

        options = self.structs["cachechain_get_options"](struct_size=ctypes.sizeof(value), must_flags=1 << 31)
        options.struct_size = ctypes.sizeof(options)
        self.is_status(library.cachechain_get(chain, ctypes.byref(options), key, len(key), buffer, 64,
                                              ctypes.byref(value), None), "UNSUPPORTED")

        stats = self.sized(lambda buf, cap, needed: library.cachechain_chain_stats(
            chain, buf, cap, ctypes.byref(needed), None))
        self.assertEqual((stats["chain"], stats["hits"], len(stats["layers"])), ("ffi", 2, 1))

        self.is_status(library.cachechain_chain_close(chain, 10**9, None, None), "OK")
        self.is_status(library.cachechain_exists(chain, None, key, len(key), None, None), "CLOSED")
        library.cachechain_chain_free(chain)
        self.assertEqual(ctypes.string_at(view.data, view.size), data)
        library.cachechain_value_release(ctypes.byref(view))
        self.assertIsNone(view.data)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    LIBRARY, HEADERS, LOCKS, COMPILER = sys.argv[1:5]
    unittest.main(argv=sys.argv[:1] + sys.argv[5:])
