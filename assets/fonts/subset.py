# Makes the two fonts of the windows from the released Inter: the characters that texts, names and paths in Latin,
# Greek and Cyrillic need, digits of one width, and the kerning in the old table, which the windows' renderer reads.
# usage: subset.py FOLDER-OF-INTER OUTPUT-FOLDER   (pip install fonttools uharfbuzz)
import sys
import uharfbuzz as hb
from fontTools import subset
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._k_e_r_n import KernTable_format_0

source, target = sys.argv[1:3]
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x192, 0x192), (0x218, 0x21B), (0x386, 0x3CE), (0x400, 0x45F), (0x490, 0x491),
          (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x1EA0, 0x1EF9), (0x2010, 0x2026), (0x2030, 0x2030), (0x2032, 0x2033),
          (0x2039, 0x203A), (0x20AC, 0x20AC), (0x2116, 0x2116), (0x2122, 0x2122), (0x2190, 0x2193), (0x2212, 0x2212),
          (0x2248, 0x2248), (0x2260, 0x2265), (0xFFFD, 0xFFFD)]
KERNED = [*range(0x21, 0x7F), *range(0xC0, 0x180), 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026]

for weight in ["Regular", "SemiBold"]:
    path = f"{source}/Inter-{weight}.otf"
    face = hb.Face(hb.Blob.from_file_path(path))
    font = hb.Font(face)

    def advances(text, kern):
        buffer = hb.Buffer()
        buffer.add_str(text)
        buffer.guess_segment_properties()
        off = {"calt": False, "liga": False, "ccmp": False, "kern": kern}
        hb.shape(font, buffer, off)
        return sum(position.x_advance for position in buffer.glyph_positions), len(buffer.glyph_infos)

    tt = TTFont(path)
    cmap = tt.getBestCmap()
    pairs = {}
    letters = [c for c in KERNED if c in cmap]
    latin = [c for c in letters if c < 0x7F or c > 0x2000]
    for left in letters:
        # Letters with accents are kerned against the plain ones only.
        for right in letters if left in latin else latin:
            text = chr(left) + chr(right)
            (with_kern, n), (without, _) = advances(text, True), advances(text, False)
            if n == 2 and abs(with_kern - without) >= face.upem * 0.006:
                pairs[(cmap[left], cmap[right])] = with_kern - without

    records = tt["GSUB"].table.FeatureList.FeatureRecord
    lookups = next(r.Feature.LookupListIndex for r in records if r.FeatureTag == "tnum")
    same_width = {}
    for index in lookups:
        for table in tt["GSUB"].table.LookupList.Lookup[index].SubTable:
            same_width.update(getattr(table, "ExtSubTable", table).mapping)
    tabular = {ord(d): same_width[cmap[ord(d)]] for d in "0123456789"}
    options = subset.Options()
    options.layout_features = []
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "STAT", "DSIG", "MVAR"]
    options.desubroutinize = False
    options.hinting = False
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    options.glyph_names = True
    options.notdef_outline = True
    for table in tt["cmap"].tables:
        if table.isUnicode():
            table.cmap.update(tabular)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=[c for a, b in RANGES for c in range(a, b + 1)])
    chosen.subset(tt)
    order = set(tt.getGlyphOrder())
    kern = newTable("kern")
    kern.version = 0
    sub = KernTable_format_0()
    sub.version, sub.coverage, sub.apple, sub.tupleIndex = 0, 1, False, None
    sub.kernTable = {pair: value for pair, value in pairs.items() if pair[0] in order and pair[1] in order}
    kern.kernTables = [sub]
    tt["kern"] = kern
    out = f"{target}/Inter-{weight}.otf"
    tt.save(out)
    print(out, len(tt.getBestCmap()), "characters,", len(sub.kernTable), "pairs")
