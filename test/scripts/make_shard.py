#!/usr/bin/env python3
"""Makes a tar of many images, of which one in a hundred is damaged, in ten ways by turns.

    make_shard.py COUNT OUT.tar JPEG...

Each image is one of the given ones with other numbers in its first quantisation table, so that none is like another.
test/scripts/test_shard.sh captions it.  Uses nothing but Python's own library.
"""
import random
import sys

BLOCK = 512


def header(name, size):
    head = bytearray(BLOCK)
    head[0:len(name)] = name.encode()
    head[100:107], head[108:115], head[116:123] = b"0000644", b"0000000", b"0000000"
    head[124:135], head[136:147] = b"%011o" % size, b"%011o" % 1
    head[156:157], head[257:265] = b"0", b"ustar\x0000"
    return with_checksum(head)


def with_checksum(head):
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return head


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def varied(image, dice):
    image = bytearray(image)
    at = image.index(b"\xff\xdb") + 5
    for i in range(64):
        image[at + i] = min(255, max(1, image[at + i] + dice.randrange(-2, 3)))
    return bytes(image)


def damaged(name, image, way):
    """The bytes of a member that can't be captioned."""
    head, body = header(name, len(image)), padded(image)
    if way < 5:  # what it holds
        data = (image[:20], b"", b"not an image\n", bytes(16) + image[16:], bytes(len(image)))[way]
        return bytes(header(name, len(data))) + padded(data)
    if way == 5:
        head[150] ^= 1  # the checksum
    elif way == 6:
        head[:] = bytes(BLOCK)
    elif way == 7:
        head[124:135] = b"7" * 11  # 8 GB
        head = with_checksum(head)
    elif way == 8:
        head[124:136] = b"\x80\0\0\0\0\0\0\x19\0\0\0\0"  # 100 GB
        head = with_checksum(head)
    else:  # the first bytes of the header are lost, and the blocks behind are out of step
        return (bytes(head) + body)[300:]
    return bytes(head) + body


def main():
    count, path = int(sys.argv[1]), sys.argv[2]
    images = [open(name, "rb").read() for name in sys.argv[3:]]
    dice = random.Random(1)
    with open(path, "wb") as out:
        for i in range(count):
            name, image = f"{i:06}.jpg", varied(images[i % len(images)], dice)
            if i % 100 == 50:
                out.write(damaged(name, image, i // 100 % 10))
            else:
                out.write(bytes(header(name, len(image))) + padded(image))
        out.write(bytes(2 * BLOCK))


if __name__ == "__main__":
    main()
