# The roofline picture as SVG, from what `bench_layers --roofs --json` prints (one layer a line).  Called by
# bench/roofline.sh, which passes the decoder's step: beams, step_ms, step_bytes and step_numbers (of the weights it
# reads), and machine.

function field(key,    at, rest) {
    at = index($0, "\"" key "\": ")
    if (!at) return ""
    rest = substr($0, at + length(key) + 4)
    sub(/^"/, "", rest)
    sub(/["},].*/, "", rest)
    return rest
}

function escaped(text) {
    gsub(/&/, "\\&amp;", text)
    gsub(/</, "\\&lt;", text)
    gsub(/>/, "\\&gt;", text)
    return text
}

function x_of(v) { return LEFT + WIDE * log(v / x_low) / log(x_high / x_low) }
function y_of(v) { return TOP + HIGH - HIGH * log(v / y_low) / log(y_high / y_low) }

function line(x1, y1, x2, y2, class) {
    printf "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2
}

function text(x, y, anchor, class, words) {
    printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", class, x, y, anchor, words
}

function shape(kind, x, y) {
    if (kind == "direct") printf "<circle class=\"direct\" cx=\"%.1f\" cy=\"%.1f\" r=\"9\"/>", x, y
    else if (kind == "winograd")
        printf "<rect class=\"winograd\" x=\"%.1f\" y=\"%.1f\" width=\"17\" height=\"17\"/>", x - 8.5, y - 8.5
    else printf "<path class=\"%s\" d=\"M%.1f %.1fl11 11l-11 11l-11-11z\"/>", kind, x, y - 11
}

function point(kind, x, y, letter, title) {
    printf "<g><title>%s</title>", title
    shape(kind, x, y)
    text(x, y + 4, "middle", "letter", letter)
    print "</g>"
}

# the slanted roof of so many GB/s, up to where it meets the peak
function slope(rate, class, label,    from, to, x, y, angle) {
    from = x_low * rate > y_low ? x_low : y_low / rate
    to = peak / rate < x_high ? peak / rate : x_high
    line(x_of(from), y_of(from * rate), x_of(to), y_of(to * rate), "roof " class)
    angle = -atan2(y_of(from * rate) - y_of(to * rate), x_of(to) - x_of(from)) * 45 / atan2(1, 1)
    x = x_of(from) + 14
    y = y_of(from * exp(14 * log(x_high / x_low) / WIDE) * rate)
    printf "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" transform=\"rotate(%.1f %.1f %.1f)\" dy=\"-7\">%s</text>\n",
        x, y, angle, x, y, label
}

/"peak_gflops"/ {
    peak = field("peak_gflops") + 0
    near = field("near_gb_per_s") + 0
    far = field("far_gb_per_s") + 0
    near_mb = field("near_mb")
    far_mb = field("far_mb")
}
/"cpu"/ { cpu = field("cpu") }
/"name"/ && field("flops_per_byte") + 0 > 0 {
    kind = field("algorithm")
    k = field("size") " " field("in") " " field("out") " " field("kernel") " " field("stride") " " field("add") " " kind
    if (!(k in times)) {
        keys[++count] = k
        first[k] = field("name")
        intensity[k] = field("flops_per_byte") + 0
        kinds[k] = kind
    }
    times[k]++
    speed[k] += field("executed_gflops")
    usual[k] += field("gflops")
    ms[k] += field("ms")
}

END {
    if (!peak || !count || step_ms <= 0) {
        print "roofline: no measurements" > "/dev/stderr"
        exit 1
    }
    step_speed = 2 * beams * step_numbers / step_ms * 1e-6
    step_intensity = 2 * beams * step_numbers / step_bytes
    least = step_speed
    most = step_intensity
    for (i = 1; i <= count; i++) {
        k = keys[i]
        speed[k] /= times[k]
        usual[k] /= times[k]
        ms[k] /= times[k]
        if (speed[k] < least) least = speed[k]
        if (intensity[k] > most) most = intensity[k]
    }
    LEFT = 78; TOP = 78; WIDE = 850; HIGH = 470
    x_low = 1
    for (x_high = 2; x_high < 1.2 * most;) x_high *= 2
    y_high = 1.3 * peak
    for (y_low = 1000; y_low > 0.8 * least;) y_low /= 2

    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 620\" width=\"960\" height=\"620\""
    print " font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" font-size=\"13\" role=\"img\">"
    print "<title>Roofline of the encoder's layers and the decoder's step</title>"
    print "<style>"
    print ".grid { stroke: #e4e4e4 } .axis { stroke: #444; fill: none }"
    print ".roof { stroke: #222; stroke-width: 2 } .far { stroke-dasharray: 7 4 }"
    print ".head { font-size: 18px; font-weight: bold } .small { font-size: 12px; fill: #555 }"
    print ".label { font-size: 13px; fill: #222 } .letter { font-size: 11px; fill: #fff; font-weight: bold }"
    print ".direct, .winograd, .decoder { stroke: #fff; stroke-width: 1; fill-opacity: 0.88 }"
    print ".direct { fill: #1f6fb4 } .winograd { fill: #d8590a } .decoder { fill: #2a8a3c }"
    print "</style>"
    print "<rect width=\"960\" height=\"620\" fill=\"#fff\"/>"
    text(LEFT, 30, "start", "head", "One core: ResNet-50's layers and a step of the decoder")
    text(LEFT, 52, "start", "small", escaped(machine) ", " cpu ", one thread, one image. Work as executed: Winograd does " \
        "a quarter to three fifths of the direct flop")

    for (v = x_low; v <= x_high; v *= 2) {
        line(x_of(v), TOP, x_of(v), TOP + HIGH, "grid")
        text(x_of(v), TOP + HIGH + 20, "middle", "label", v)
    }
    for (decade = 1; decade <= 10000; decade *= 10) {
        for (i = 1; i < 10; i++) {
            v = i * decade
            if (v < y_low || v > y_high) continue
            line(LEFT, y_of(v), LEFT + WIDE, y_of(v), "grid")
            if (i < 6 || i == 8) text(LEFT - 8, y_of(v) + 4, "end", "label", v)
        }
    }
    printf "<rect class=\"axis\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", LEFT, TOP, WIDE, HIGH
    text(LEFT + WIDE / 2, TOP + HIGH + 46, "middle", "label",
        "arithmetic intensity, flop per byte of weights, input and output (each counted once)")
    printf "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(24 %d) rotate(-90)\">%s</text>\n",
        TOP + HIGH / 2, "GFLOP/s"

    line(x_of(peak / near), y_of(peak), LEFT + WIDE, y_of(peak), "roof")
    line(x_of(peak / far), y_of(peak), LEFT + WIDE, y_of(peak), "roof")
    text(x_of(peak / far) + 12, y_of(peak) - 8, "start", "label",
        sprintf("%.0f GFLOP/s, the tile kernel on data in the first-level cache", peak))
    slope(near, "near", sprintf("%.1f GB/s, reading %d MB again and again", near, near_mb))
    slope(far, "far", sprintf("%.1f GB/s, reading %d MB", far, far_mb))

    for (i = 1; i <= count; i++) {
        k = keys[i]
        split(k, dims, " ")
        letter = first[k] == "stem" ? "s" : substr(first[k], 6, 1)
        title = sprintf("%s%s: %d x %d, %d to %d channels, %d x %d, stride %d%s, %s: %.2f ms, %.0f GFLOP/s", first[k],
            times[k] > 1 ? " and " times[k] - 1 " alike" : "", dims[1], dims[1], dims[2], dims[3], dims[4],
            dims[4], dims[5], dims[6] > 0 ? ", residual" : "", kinds[k], ms[k], speed[k])
        if (kinds[k] == "winograd") title = title sprintf(" (%.0f of direct convolution)", usual[k])
        point(kinds[k], x_of(intensity[k]), y_of(speed[k]), letter, title)
    }
    point("decoder", x_of(step_intensity), y_of(step_speed), "d",
        sprintf("decoder: a step of %d beams, %.1f MB of weights: %.2f ms, %.0f GFLOP/s", beams, step_bytes * 1e-6,
        step_ms, step_speed))

    x = LEFT + WIDE - 318
    y = TOP + HIGH - 116
    printf "<rect x=\"%d\" y=\"%d\" width=\"306\" height=\"104\" fill=\"#fff\" stroke=\"#bbb\"/>\n", x, y
    shape("direct", x + 20, y + 20)
    text(x + 38, y + 24, "start", "label", "direct convolution, s: stem, 1 to 4: stage")
    print ""
    shape("winograd", x + 20, y + 46)
    text(x + 38, y + 50, "start", "label", "Winograd, likewise")
    print ""
    shape("decoder", x + 20, y + 73)
    text(x + 38, y + 77, "start", "label", sprintf("decoder's step, %d beams, mostly int16", beams))
    print ""
    text(x + 12, y + 97, "start", "small", "layers of one shape are one point, their mean")
    print "</svg>"
}
