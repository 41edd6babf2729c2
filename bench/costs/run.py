#!/usr/bin/env python3
"""What a hostile file costs: the processor time and memory that each tool takes for the worst files that we know.

    python3 bench/costs/run.py [--build build] [NAME...]

Prints a row of docs/security.md's table for each case, or for those whose names begin with NAME.  Time is that of user
and system together, memory the largest that the process ever had.  Pictures need Pillow, HEIC and AVIF heif-enc of
libheif too; what can't be made is left out in words.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

import pictures
import texts

MOST_MEMORY, MOST_SECONDS = 4 << 30, 60


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


def measure(command):
    """Seconds, bytes, and how it ended."""
    with open(os.devnull, "wb") as nothing:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=nothing, stderr=nothing, preexec_fn=limit)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = 0
    end = "signal %d" % os.WTERMSIG(status) if os.WIFSIGNALED(status) else "refused" if os.WEXITSTATUS(status) else "ok"
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, end


def apart(make):
    """make() in a process of its own: what this process holds would count as memory of the tools that it starts."""
    come, go = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(go, "w") as out:
            json.dump(make(), out)
        os._exit(0)
    os.close(go)
    with os.fdopen(come) as answer:
        made = json.load(answer)
    os.waitpid(child, 0)
    return made


def row(name, made):
    command, path = made
    size = os.path.getsize(path)
    seconds, memory, end = measure(command)
    print("| %s | %s | %.1f | %s | %.2f | %.2f | %d | %.0f |" % (
        os.path.basename(command[0]), name, size / 1e6, end, seconds, seconds / (size / 1e6), memory / 1e6, memory / size),
        flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("name", nargs="*")
    options = parser.parse_args()

    def wanted(name):
        return not options.name or any(name.startswith(n) for n in options.name)
    print("| tool | file | MB | end | s | s/MB | MB of memory | bytes a byte |\n|---|---|---:|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        def picture(file, make):
            data = make()
            return data and ([options.build + "/capdemo", "-q", folder + "/" + file], texts.write(folder, file, data))

        def other(make):
            command, path = make(tempfile.mkdtemp(dir=folder), folder + "/good")
            return [options.build + "/" + command[0]] + command[1:], path
        subprocess.run([options.build + "/test/attack/corpus", folder, "1", "0"], check=True)
        cases = {name: lambda case=case: picture(*case) for name, case in pictures.CASES.items()}
        cases.update((name, lambda make=make: other(make)) for name, make in texts.CASES.items())
        for name in filter(wanted, cases):
            made = apart(cases[name])
            if made:
                row(name, made)
            else:
                print("%s: left out, nothing here makes it" % name, file=sys.stderr)


if __name__ == "__main__":
    main()
