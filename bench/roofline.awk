# Writes the roofline picture as SVG from what `bench_layers --roofs --json` prints, one layer a line.  Variables, which
# bench/roofline.sh passes: machine, and of a decoder's step beams, step_ms, step_bytes and step_numbers (of the weights
# that it reads).

function field(key,    at, rest) {
    at = index($0, "\"" key "\": ")
    if (!at) return ""
    rest = substr($0, at + length(key) + 4)
    sub(/^"/, "", rest)
    sub(/["},].*/, "", rest)
    return rest
}

function escaped(words) {
    gsub(/&/, "\\&amp;", words)
    gsub(/</, "\\&lt;", words)
    gsub(/>/, "\\&gt;", words)
    return words
}

# ---- shapes ----

function x_of(v) { return LEFT + WIDE * log(v / x_low) / log(x_high / x_low) }
function y_of(v) { return TOP + HIGH - HIGH * log(v / y_low) / log(y_high / y_low) }

function line(x1, y1, x2, y2, class) {
    printf "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2
}

function text(x, y, anchor, class, words) {
    printf "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", class, x, y, anchor, words
}

function shape(kind, x, y) {
    if (kind == "winograd")
        printf "<rect class=\"winograd\" x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\"/>\n", x - 5, y - 5
    else if (kind == "decoder")
        printf "<path class=\"decoder\" d=\"M%.1f %.1fl7 7l-7 7l-7-7z\"/>\n", x, y - 7
    else printf "<circle class=\"direct\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", x, y
}

# ---- points, and letters that overlap neither points nor each other ----

function add_point(kind, x, y, letter, title) {
    points++
    kind_of[points] = kind
    px[points] = x
    py[points] = y
    letters[points] = letter
    titles[points] = title
    take(x, y, 6, 6)
}

# keeps a rectangle around (x, y) free of letters
function take(x, y, half_width, half_height) {
    taken++
    tx[taken] = x
    ty[taken] = y
    tw[taken] = half_width
    th[taken] = half_height
}

function is_free(x, y, half_width, half_height,    i) {
    if (x < LEFT + 8 || x > LEFT + WIDE - 8 || y < TOP + 8 || y > TOP + HIGH - 8) return 0
    for (i = 1; i <= taken; i++)
        if (x - half_width < tx[i] + tw[i] && x + half_width > tx[i] - tw[i] &&
            y - half_height < ty[i] + th[i] && y + half_height > ty[i] - th[i]) return 0
    return 1
}

# the nearest free place for a point's letter: rings of sixteen places around it
function place_letter(i,    ring, k, x, y, angle) {
    for (ring = 12; ring < 60; ring += 4) {
        for (k = 0; k < 16; k++) {
            # above first, then to both sides, below last
            angle = (k % 2 ? -1 : 1) * int((k + 1) / 2) * PI / 8
            x = px[i] + ring * sin(angle)
            y = py[i] - ring * cos(angle)
            if (is_free(x, y, 5, 6)) {
                take(x, y, 5, 6)
                lx[i] = x
                ly[i] = y
                far_off[i] = ring > 12
                return
            }
        }
    }
    lx[i] = px[i]
    ly[i] = py[i]
}

function draw_points(    i) {
    for (i = 1; i <= points; i++) place_letter(i)
    for (i = 1; i <= points; i++) if (far_off[i]) line(px[i], py[i], lx[i], ly[i], "lead")
    for (i = 1; i <= points; i++) {
        printf "<g><title>%s</title>\n", titles[i]
        shape(kind_of[i], px[i], py[i])
        if (far_off[i])
            printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"12\" fill=\"#fff\"/>\n", lx[i] - 5, ly[i] - 6
        text(lx[i], ly[i] + 4, "middle", "letter " kind_of[i] "_letter", letters[i])
        print "</g>"
    }
}

# the slanted roof of so many GB/s, from the left or lower edge to where it meets the peak; its words stand beside its
# lower end
function slope(rate, class, words,    from, to, x, y, angle) {
    from = x_low * rate > y_low ? x_low : y_low / rate
    to = peak / rate < x_high ? peak / rate : x_high
    line(x_of(from), y_of(from * rate), x_of(to), y_of(to * rate), "roof " class)
    angle = -atan2(y_of(from * rate) - y_of(to * rate), x_of(to) - x_of(from)) * 180 / PI
    x = x_of(from) + 14 * cos(angle * PI / 180)
    y = y_of(from * rate) + 14 * sin(angle * PI / 180)
    printf "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" transform=\"rotate(%.1f %.1f %.1f)\" dy=\"-7\">%s</text>\n",
        x, y, angle, x, y, words
}

# ---- what is measured ----

/"peak_gflops"/ {
    peak = field("peak_gflops") + 0
    near = field("near_gb_per_s") + 0
    far = field("far_gb_per_s") + 0
    near_mb = field("near_mb")
    far_mb = field("far_mb")
}
/"cpu"/ {
    cpu = field("cpu")
    precision = field("precision")
    unit = precision == "int8" ? "GOP/s" : "GFLOP/s"
}
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

function find_ranges(    i, k) {
    step_speed = 2 * beams * step_numbers / step_ms * 1e-6
    step_intensity = 2 * beams * step_numbers / step_bytes
    least = step_speed
    greatest = step_speed > peak ? step_speed : peak
    most = step_intensity
    for (i = 1; i <= count; i++) {
        k = keys[i]
        speed[k] /= times[k]
        usual[k] /= times[k]
        ms[k] /= times[k]
        if (speed[k] < least) least = speed[k]
        if (speed[k] > greatest) greatest = speed[k]
        if (speed[k] > peak && speed[k] > direct_most) direct_most = speed[k]
        if (intensity[k] > most) most = intensity[k]
        if (kinds[k] != "winograd") continue
        if (!usual_least || usual[k] < usual_least) usual_least = usual[k]
        if (usual[k] > usual_most) usual_most = usual[k]
    }
    x_low = 1
    for (x_high = 2; x_high < 1.2 * most;) x_high *= 2
    y_low = 0.9 * least
    for (y_high = 1.1 * greatest; y_of(greatest) < TOP + 36;) y_high *= 1.05 # room for words above the line
}

function draw_axes(    v, step) {
    for (v = x_low; v <= x_high; v *= 2) {
        line(x_of(v), TOP, x_of(v), TOP + HIGH, "grid")
        text(x_of(v), TOP + HIGH + 20, "middle", "label", v)
    }
    step = 10
    while ((y_high - y_low) / step > 16) step *= 2
    for (v = step; v <= y_high; v += step) {
        if (v < y_low) continue
        line(LEFT, y_of(v), LEFT + WIDE, y_of(v), "grid")
        # far down a logarithmic axis has room for every second number only
        if (y_of(v) - y_of(v + step) > 15 || v % (2 * step) == 0) text(LEFT - 8, y_of(v) + 4, "end", "label", v)
    }
    printf "<rect class=\"axis\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n", LEFT, TOP, WIDE, HIGH
    text(LEFT + WIDE / 2, TOP + HIGH + 44, "middle", "label",
        "arithmetic intensity, " (precision == "int8" ? "operations" : "flop") " per byte of weights, input and output (each counted once)")
    printf "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(24 %d) rotate(-90)\">%s</text>\n",
        TOP + HIGH / 2, unit ", of the multiplications and additions that are executed"
}

function draw_roofs(    x, y) {
    y = y_of(peak)
    line(x_of(peak / near), y, LEFT + WIDE, y, "roof")
    slope(near, "near", sprintf("%.1f GB/s, reading %d MB again and again", near, near_mb))
    slope(far, "far", sprintf("%.1f GB/s, reading %d MB", far, far_mb))
    x = x_of(peak / near) + 8
    text(x, y - 8, "start", "label", sprintf("%.0f %s, the tile kernel in the first-level cache", peak, unit))
    take(x + 165, y - 12, 165, 8)
    take(LEFT + WIDE / 2, y, WIDE / 2, 2) # letters stay off the line
}

# below the axes, where it can cover nothing
function draw_legend(    x, y) {
    x = LEFT + 6
    y = TOP + HIGH + 74
    shape("direct", x, y - 4)
    text(x + 14, y, "start", "label", "direct convolution")
    if (usual_least) {
        shape("winograd", x + 160, y - 4)
        text(x + 174, y, "start", "label", "Winograd convolution")
    }
    shape("decoder", x + 340, y - 4)
    text(x + 354, y, "start", "label", sprintf("d: a step of the decoder with %d beams", beams))
    text(x + 620, y, "start", "label", "s: stem; 1 to 4: stage")
    text(x - 6, y += 24, "start", "small", "Layers of one shape are one point, their mean.")
    if (usual_least)
        text(x - 6, y += 18, "start", "small", sprintf("Winograd executes fewer multiplications, and only those " \
            "count here. Counted as direct convolution: %.0f to %.0f GFLOP/s%s.", usual_least, usual_most,
            usual_least > peak ? ", above the line" : ""))
    if (step_speed > peak && precision != "int8")
        text(x - 6, y += 18, "start", "small", "The decoder lies above the horizontal line as it multiplies mostly " \
            "int16, twice as many in an instruction as float32.")
    if (direct_most)
        text(x - 6, y += 18, "start", "small", sprintf("Layers above it, by %.1f %% at most, are as fast as the line, " \
            "which is a measurement too.", 100 * (direct_most / peak - 1)))
}

END {
    if (!peak || !count || step_ms <= 0) {
        print "roofline: no measurements" > "/dev/stderr"
        exit 1
    }
    PI = atan2(0, -1)
    LEFT = 78; TOP = 70; WIDE = 850; HIGH = 480
    find_ranges()

    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 710\" width=\"960\" height=\"710\""
    print " style=\"background: #fff\" font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" font-size=\"13\" role=\"img\">"
    print "<title>Roofline of the encoder's layers and the decoder's step</title>"
    print "<style>"
    print "text { fill: #222 } .grid { stroke: #e4e4e4 } .axis { stroke: #444; fill: none }"
    print ".roof { stroke: #222; stroke-width: 2 } .far { stroke-dasharray: 7 4 } .lead { stroke: #999 }"
    print ".head { font-size: 18px; font-weight: bold } .label { font-size: 13px } .small { font-size: 12px; fill: #444 }"
    print ".letter { font-size: 12px; font-weight: bold }"
    print ".direct, .winograd, .decoder { stroke: #fff; stroke-width: 1 }"
    print ".direct { fill: #1f6fb4 } .winograd { fill: #d8590a } .decoder { fill: #2a8a3c }"
    print ".direct_letter { fill: #174f80 } .winograd_letter { fill: #a34408 } .decoder_letter { fill: #1d672b }"
    print "</style>"
    print "<rect width=\"960\" height=\"710\" fill=\"#fff\"/>"
    text(LEFT, 28, "start", "head", "One core: ResNet-50's layers and a step of the decoder")
    text(LEFT, 50, "start", "small", escaped(machine) ", " cpu ", " precision ", one thread, one image")
    draw_axes()
    draw_roofs()
    for (i = 1; i <= count; i++) {
        k = keys[i]
        split(k, dims, " ")
        title = sprintf("%s%s: %d x %d, %d to %d channels, %d x %d, stride %d%s, %s: %.2f ms, %.0f %s", first[k],
            times[k] > 1 ? " and " times[k] - 1 " alike" : "", dims[1], dims[1], dims[2], dims[3], dims[4],
            dims[4], dims[5], dims[6] > 0 ? ", residual" : "", kinds[k], ms[k], speed[k], unit)
        if (kinds[k] == "winograd") title = title sprintf(" (%.0f of direct convolution)", usual[k])
        add_point(kinds[k], x_of(intensity[k]), y_of(speed[k]), first[k] == "stem" ? "s" : substr(first[k], 6, 1), title)
    }
    add_point("decoder", x_of(step_intensity), y_of(step_speed), "d",
        sprintf("decoder: a step of %d beams, %.1f MB of weights: %.2f ms, %.0f %s", beams, step_bytes * 1e-6,
        step_ms, step_speed, unit))
    draw_points()
    draw_legend()
    print "</svg>"
}
