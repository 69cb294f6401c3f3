import assert from "node:assert/strict";
import { errnoName } from "../../ffi/errno.ts";
import {
  BUFFER,
  CAPABILITY,
  CID,
  FMTDESC,
  FORMAT,
  fourcc,
  FRMIVAL,
  FRMSIZE,
  POLL,
  QUERYCTRL,
  QUERYMENU,
  REQUESTBUFFERS,
  STREAMPARM,
  struct,
  VIDIOC,
} from "../../ffi/v4l2_layout.ts";
import { videoKernel } from "../../ffi/v4l2.ts";

const linux = Deno.build.os === "linux";
const header = "/usr/include/linux/videodev2.h";

async function hasCompiler(): Promise<boolean> {
  try {
    await Deno.stat(header);
    return (await new Deno.Command("cc", { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

const compiler = linux && await hasCompiler();

/** What C says, and what we say. */
const FACTS: readonly (readonly [expression: string, ours: number])[] = [
  ["sizeof(struct v4l2_capability)", CAPABILITY.size],
  ["offsetof(struct v4l2_capability, card)", CAPABILITY.card],
  ["offsetof(struct v4l2_capability, bus_info)", CAPABILITY.bus],
  ["offsetof(struct v4l2_capability, capabilities)", CAPABILITY.all],
  ["offsetof(struct v4l2_capability, device_caps)", CAPABILITY.device],
  ["offsetof(struct v4l2_fmtdesc, description)", FMTDESC.description],
  ["offsetof(struct v4l2_fmtdesc, pixelformat)", FMTDESC.pixelformat],
  ["offsetof(struct v4l2_frmsizeenum, discrete.height)", FRMSIZE.height],
  ["offsetof(struct v4l2_frmsizeenum, stepwise.max_width)", FRMSIZE.maxWidth],
  ["offsetof(struct v4l2_frmsizeenum, stepwise.step_height)", FRMSIZE.stepHeight],
  ["offsetof(struct v4l2_frmivalenum, type)", FRMIVAL.type],
  ["offsetof(struct v4l2_frmivalenum, discrete)", FRMIVAL.interval],
  ["offsetof(struct v4l2_frmivalenum, stepwise.min)", FRMIVAL.shortest],
  ["offsetof(struct v4l2_frmivalenum, stepwise.max)", FRMIVAL.longest],
  ["sizeof(struct v4l2_format)", FORMAT.size],
  ["offsetof(struct v4l2_format, fmt.pix.width)", FORMAT.width],
  ["offsetof(struct v4l2_format, fmt.pix.pixelformat)", FORMAT.pixelformat],
  ["offsetof(struct v4l2_format, fmt.pix.field)", FORMAT.field],
  ["offsetof(struct v4l2_format, fmt.pix.bytesperline)", FORMAT.bytesPerLine],
  ["offsetof(struct v4l2_format, fmt.pix.sizeimage)", FORMAT.imageSize],
  ["offsetof(struct v4l2_streamparm, parm.capture.capability)", STREAMPARM.capability],
  ["offsetof(struct v4l2_streamparm, parm.capture.timeperframe)", STREAMPARM.interval],
  ["offsetof(struct v4l2_requestbuffers, memory)", REQUESTBUFFERS.memory],
  ["sizeof(struct v4l2_buffer)", BUFFER.size],
  ["offsetof(struct v4l2_buffer, bytesused)", BUFFER.used],
  ["offsetof(struct v4l2_buffer, flags)", BUFFER.flags],
  ["offsetof(struct v4l2_buffer, timestamp.tv_usec)", BUFFER.microseconds],
  ["offsetof(struct v4l2_buffer, sequence)", BUFFER.sequence],
  ["offsetof(struct v4l2_buffer, m.offset)", BUFFER.offset],
  ["offsetof(struct v4l2_buffer, length)", BUFFER.length],
  ["offsetof(struct v4l2_queryctrl, minimum)", QUERYCTRL.min],
  ["offsetof(struct v4l2_queryctrl, default_value)", QUERYCTRL.default],
  ["offsetof(struct v4l2_queryctrl, flags)", QUERYCTRL.flags],
  ["sizeof(struct v4l2_querymenu)", QUERYMENU.size],
  ["offsetof(struct v4l2_querymenu, name)", QUERYMENU.name],
  ["V4L2_PIX_FMT_MJPEG", fourcc("MJPG")],
  ["V4L2_PIX_FMT_YUV420", fourcc("YU12")],
  ...Object.entries(VIDIOC).map(([name, ours]) => [`VIDIOC_${name}`, ours] as const),
  ...Object.entries(CID).map(([name, ours]) => [`V4L2_CID_${name}`, ours] as const),
];

Deno.test({
  name: `V4L2's structs and requests are as <linux/videodev2.h> has them${
    compiler ? "" : " (install a C compiler and linux-libc-dev)"
  }`,
  ignore: !compiler,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const source =
        `#include <stdio.h>\n#include <stddef.h>\n#include <linux/videodev2.h>\nint main(){${
          FACTS.map(([expression]) => `printf("%lu\\n",(unsigned long)(${expression}));`).join("\n")
        }}`;
      await Deno.writeTextFile(`${folder}/facts.c`, source);
      const compiled = await new Deno.Command("cc", {
        args: ["-o", `${folder}/facts`, `${folder}/facts.c`],
      }).output();
      assert.ok(compiled.success, new TextDecoder().decode(compiled.stderr));
      const { stdout } = await new Deno.Command(`${folder}/facts`).output();
      const theirs = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
      for (const [index, [expression, ours]] of FACTS.entries()) {
        assert.equal(ours, theirs[index], expression);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "videoKernel() gives error numbers for what is absent and for what is no camera",
  ignore: !linux,
  async fn() {
    const kernel = videoKernel();
    assert.equal(errnoName(-await kernel.open("/dev/no such camera")), "ENOENT");
    const fd = await kernel.open("/dev/null");
    assert.ok(fd > 2);
    try {
      const capability = struct(CAPABILITY);
      assert.equal(errnoName(-kernel.ioctl(fd, VIDIOC.QUERYCAP, capability)), "ENOTTY");
      assert.equal(errnoName(-await kernel.slowIoctl(fd, VIDIOC.QUERYCAP, capability)), "ENOTTY");
      assert.equal(await kernel.poll(fd, 1000), POLL.IN); // at once: it can always be read
      const mapped = kernel.map(-1, 0, 4096);
      assert.equal(typeof mapped === "number" && errnoName(-mapped), "EBADF");
    } finally {
      kernel.close(fd);
    }
  },
});

Deno.test({
  name: "videoKernel().map() gives memory that unmap() takes back",
  ignore: !linux,
  async fn() {
    const kernel = videoKernel();
    const fd = await kernel.open("/dev/zero");
    try {
      const memory = kernel.map(fd, 0, 8192);
      assert.ok(memory instanceof Uint8Array);
      memory[8191] = 7;
      assert.deepEqual([memory.length, memory[0], memory[8191]], [8192, 0, 7]);
      kernel.unmap(memory);
      kernel.unmap(memory); // nothing happens
    } finally {
      kernel.close(fd);
    }
  },
});

Deno.test({
  name: "videoKernel().nowUs() runs with performance.now()",
  ignore: !linux,
  async fn() {
    const kernel = videoKernel();
    const offsetMs = () => kernel.nowUs() / 1000 - performance.now();
    const before = offsetMs();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(Math.abs(offsetMs() - before) < 5);
  },
});
